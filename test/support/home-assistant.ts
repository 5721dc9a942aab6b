// A judge of discovery messages: which keys Home Assistant's MQTT integration takes, needs and understands, in our own words. Home
// Assistant leaves unknown keys out without a word, so that only such a judge finds a misspelt one.
// Source: homeassistant/components/mqtt (schemas.py and one file for each platform), sensor and binary_sensor device classes.

type Check = (value: unknown) => boolean;

const text: Check = value => typeof value === 'string' && value.length > 0;
const template: Check = value => text(value) && /^[^{]*\{\{[^{}]*\}\}[^{]*$/.test(value as string);
/** What may be subscribed to; ours have no wildcards. */
const topic: Check = value => text(value) && !/[+#\0]/.test(value as string);
const oneOf =
  (...values: unknown[]): Check =>
  value =>
    values.includes(value);
const texts: Check = value => Array.isArray(value) && value.length > 0 && value.every(text);

const AVAILABILITY: Record<string, Check> = {
  availability: value =>
    Array.isArray(value) &&
    value.every(one => topic(one.topic) && Object.keys(one).every(key => ['topic', 'payload_available'].includes(key))),
  availability_mode: oneOf('all', 'any', 'latest'),
};
const COMMON: Record<string, Check> = {
  ...AVAILABILITY,
  platform: text,
  unique_id: text,
  // Null = as the device; ours all have one.
  name: text,
  entity_category: oneOf('config', 'diagnostic'),
  enabled_by_default: oneOf(true, false),
  json_attributes_topic: topic,
};

interface Platform {
  needs: string[];
  takes: Record<string, Check>;
}

/** Of sensors: the units that a device class allows. */
const UNITS: Record<string, string[]> = {
  data_size: ['B', 'kB', 'MB', 'GB', 'KiB', 'MiB', 'GiB'],
  data_rate: ['bit/s', 'kbit/s', 'Mbit/s'],
  duration: ['d', 'h', 'min', 's', 'ms'],
};
const PLATFORMS: Record<string, Platform> = {
  binary_sensor: {
    needs: ['state_topic'],
    takes: {
      state_topic: topic,
      value_template: template,
      device_class: oneOf('motion', 'occupancy', 'connectivity', 'problem', 'running', 'sound', 'tamper'),
    },
  },
  sensor: {
    needs: ['state_topic'],
    takes: {
      state_topic: topic,
      value_template: template,
      unit_of_measurement: text,
      device_class: oneOf(...Object.keys(UNITS)),
      state_class: oneOf('measurement', 'total', 'total_increasing'),
    },
  },
  event: {
    needs: ['state_topic', 'event_types'],
    takes: { state_topic: topic, event_types: texts, device_class: oneOf('button', 'doorbell', 'motion') },
  },
  image: { needs: ['image_topic'], takes: { image_topic: topic, content_type: oneOf('image/jpeg', 'image/png') } },
  select: {
    needs: ['command_topic', 'options'],
    takes: { command_topic: topic, state_topic: topic, options: texts },
  },
  switch: { needs: ['command_topic'], takes: { command_topic: topic, state_topic: topic } },
  button: { needs: ['command_topic'], takes: { command_topic: topic, device_class: oneOf('restart', 'identify') } },
  update: { needs: [], takes: { state_topic: topic, device_class: oneOf('firmware') } },
};

const DEVICE: Record<string, Check> = {
  identifiers: texts,
  name: text,
  manufacturer: text,
  model: text,
  sw_version: text,
  via_device: text,
  configuration_url: value => text(value) && /^https?:\/\//.test(value as string),
};
const ORIGIN: Record<string, Check> = { name: text, sw_version: text, support_url: text };
/** Letters, digits, "_" and "-". */
const DISCOVERY_TOPIC = /^[A-Za-z0-9_/-]+\/device\/[A-Za-z0-9_-]+\/config$/;

type Json = Record<string, unknown>;

/** What Home Assistant would refuse, or leave out without a word. */
export function discoveryFaults(at: string, message: unknown): string[] {
  const root = message as Json;
  const { device, origin, components, ...rest } = root as {
    device: Json;
    origin: Json;
    components: Record<string, Json>;
  };
  const faults = [
    ...(DISCOVERY_TOPIC.test(at) ? [] : [`${at} is no discovery topic`]),
    ...keyFaults('device', device, DEVICE, ['identifiers', 'name']),
    ...keyFaults('origin', origin, ORIGIN, ['name']),
    ...keyFaults('root', rest, AVAILABILITY, ['availability']),
  ];
  const seen = new Set<unknown>();
  for (const [name, component] of Object.entries(components ?? {})) {
    const platform = PLATFORMS[String(component.platform)];
    if (!platform) faults.push(`${name} is of an unknown platform`);
    else faults.push(...componentFaults(name, component, platform));
    if (seen.has(component.unique_id)) faults.push(`${name} has the id of another entity`);
    seen.add(component.unique_id);
    if (component.name === device?.name) faults.push(`${name} repeats the name of its device`);
  }
  if (seen.size === 0) faults.push('there are no components');
  return faults.map(fault => `${at}: ${fault}`);
}

function componentFaults(name: string, component: Json, { needs, takes }: Platform): string[] {
  const faults = keyFaults(name, component, { ...COMMON, ...takes }, ['platform', 'unique_id', ...needs]);
  const units = UNITS[String(component.device_class)];
  if (component.platform === 'sensor' && units && !units.includes(String(component.unit_of_measurement))) {
    faults.push(`${name}: the unit does not fit ${component.device_class}`);
  }
  return faults;
}

function keyFaults(where: string, object: Json | undefined, known: Record<string, Check>, needed: string[]): string[] {
  if (typeof object !== 'object' || object === null) return [`${where} is missing`];
  return [
    ...needed.filter(key => object[key] === undefined).map(key => `${where}.${key} is missing`),
    ...Object.entries(object).flatMap(([key, value]) => {
      const check = known[key];
      if (!check) return [`${where}.${key} is not known`];
      return check(value) ? [] : [`${where}.${key} cannot be ${JSON.stringify(value)}`];
    }),
  ];
}

/** All topics that a message names as sources of states. */
export function stateTopics(message: unknown): string[] {
  const found: string[] = [];
  const walk = (value: unknown, key = ''): void => {
    if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) walk(inner, name);
    else if (typeof value === 'string' && ['state_topic', 'topic', 'json_attributes_topic'].includes(key))
      found.push(value);
  };
  walk(message);
  return [...new Set(found)];
}
