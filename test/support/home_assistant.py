"""Home Assistant itself with its MQTT integration, as its users have it, without its pages: tells what it made of what it heard.

    home_assistant.py FOLDER PORT-OF-THE-BROKER PORT-OF-ITS-OWN

One line of JSON in, one out: {"do": "states"}, {"do": "call", "service": "select.select_option", "data": {...}}.
"""

import asyncio
import json
import logging
import pathlib
import sys
import traceback

from homeassistant import bootstrap, config_entries, const, core, loader
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers import device_registry, entity_registry
from homeassistant.setup import async_setup_component


class Told(logging.Handler):
    """What it complains of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        where = record.exc_info and traceback.extract_tb(record.exc_info[2])[-1]
        why = f" ({record.exc_info[1]!r} at {where.filename}:{where.lineno})" if where else ""
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}{why}")


async def start(folder, broker_port, own_port, told):
    pathlib.Path(folder, "configuration.yaml").touch()
    hass = core.HomeAssistant(folder)
    loader.async_setup(hass)
    hass.config.skip_pip = True
    config = {"http": {"server_host": ["127.0.0.1"], "server_port": own_port}}
    hass.config_entries = config_entries.ConfigEntries(hass, config)
    await loader.async_get_custom_components(hass)
    await bootstrap.async_load_base_functionality(hass)
    await async_process_ha_core_config(hass, {})
    for domain in (*bootstrap.CORE_INTEGRATIONS, "http"):
        if not await async_setup_component(hass, domain, config):
            raise RuntimeError(f"{domain} cannot be set up")
    if not hass.config_entries.async_entries("mqtt"):
        flow = hass.config_entries.flow
        result = await flow.async_init("mqtt", context={"source": "user"})
        result = await flow.async_configure(
            result["flow_id"], {"broker": "127.0.0.1", "port": broker_port}
        )
        if result["type"] != "create_entry":
            raise RuntimeError(f"MQTT cannot be set up: {result}")
    else:
        await async_setup_component(hass, "mqtt", config)
    await hass.async_start()
    state = hass.config_entries.async_entries("mqtt")[0].state
    if state is not config_entries.ConfigEntryState.LOADED:
        raise RuntimeError(f"MQTT is {state}: {told.lines}")
    return hass


def seen(hass, told):
    devices = device_registry.async_get(hass).devices
    entities = []
    for entry in entity_registry.async_get(hass).entities.values():
        if entry.platform != "mqtt":
            continue
        state = hass.states.get(entry.entity_id)
        device = devices.get(entry.device_id)
        via = devices.get(device.via_device_id) if device and device.via_device_id else None
        entities.append(
            {
                "entity": entry.entity_id,
                "uniqueId": entry.unique_id,
                "name": entry.original_name,
                "category": entry.entity_category and str(entry.entity_category.value),
                "device": device and device.name,
                "via": via and via.name,
                "version": device and device.sw_version,
                "state": state and state.state,
                "attributes": state and dict(state.attributes),
            }
        )
    return {"entities": entities, "told": told.lines}


async def serve(hass, told):
    reader = asyncio.StreamReader()
    await hass.loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        asked = json.loads(line)
        if asked["do"] == "states":
            answer = seen(hass, told)
        else:
            try:
                await hass.services.async_call(
                    *asked["service"].split("."), asked["data"], blocking=True
                )
                answer = {}
            except Exception as error:  # noqa: BLE001: it is the answer
                answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, default=str), flush=True)


async def main():
    told = Told()
    logging.getLogger().addHandler(told)
    hass = await start(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), told)
    print(json.dumps({"version": const.__version__}), flush=True)
    await serve(hass, told)
    await hass.async_stop(force=True)


asyncio.run(main())
