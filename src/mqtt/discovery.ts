// What Home Assistant is told of us: one message for the recorder and one for each camera, with all their entities. The keys are those of
// its MQTT integration (device discovery, from 2024.11 on).
import type { CameraId } from '../core/index.ts';
import { deviceId, type Topics } from './topics.ts';

export interface DiscoveryFacts {
  storeUuid: string;
  version: string;
  topics: Topics;
  /** Where the pages are, when others can reach them. */
  configurationUrl?: string | undefined;
  /** Whether it can be restarted from afar. */
  canRestart: boolean;
}

type Component = Record<string, unknown> & { platform: string; unique_id: string; name: string };
type Components = Record<string, Component>;

/** One message. */
export interface Discovery {
  device: { identifiers: string[]; name: string } & Record<string, unknown>;
  origin: { name: string; sw_version: string };
  availability: { topic: string }[];
  components: Components;
}

const ORIGIN_NAME = 'Thimble';
const MANUFACTURER = 'Thimble';
/** Cameras know hundreds; nobody finds one among so many. */
const MAX_PRESETS = 64;
const MIB_TEMPLATE = (field: string) => `{{ (value_json.${field} / 1048576) | round(1) }}`;

/** The recorder. */
export function systemDiscovery(facts: DiscoveryFacts): Discovery {
  const { storeUuid, version, topics, configurationUrl, canRestart } = facts;
  const id = deviceId(storeUuid);
  const sensor = (key: string, more: Record<string, unknown> & { name: string }): Component => ({
    platform: 'sensor',
    unique_id: `${id}_${key}`,
    state_topic: topics.status,
    entity_category: 'diagnostic',
    state_class: 'measurement',
    ...more,
  });
  const components: Components = {
    problem: {
      platform: 'binary_sensor',
      unique_id: `${id}_problem`,
      name: 'Problem',
      device_class: 'problem',
      entity_category: 'diagnostic',
      state_topic: topics.status,
      value_template: "{{ 'ON' if value_json.problems else 'OFF' }}",
      json_attributes_topic: topics.status,
    },
    disk_free: sensor('disk_free', {
      name: 'Disk free',
      device_class: 'data_size',
      unit_of_measurement: 'MiB',
      value_template: MIB_TEMPLATE('diskFreeBytes'),
    }),
    days_kept: sensor('days_kept', {
      name: 'Days kept',
      device_class: 'duration',
      unit_of_measurement: 'd',
      value_template: '{{ value_json.daysKept }}',
    }),
    memory: sensor('memory', {
      name: 'Memory',
      device_class: 'data_size',
      unit_of_measurement: 'MiB',
      value_template: MIB_TEMPLATE('rssBytes'),
    }),
    cameras_live: sensor('cameras_live', { name: 'Cameras live', value_template: '{{ value_json.camerasLive }}' }),
    update: {
      platform: 'update',
      unique_id: `${id}_update`,
      name: 'Update',
      device_class: 'firmware',
      entity_category: 'diagnostic',
      state_topic: topics.update,
    },
    ...(canRestart && {
      restart: {
        platform: 'button',
        unique_id: `${id}_restart`,
        name: 'Restart',
        device_class: 'restart',
        entity_category: 'config',
        command_topic: topics.restart,
      },
    }),
  };
  return {
    device: {
      identifiers: [id],
      name: 'Thimble',
      manufacturer: MANUFACTURER,
      model: 'Network video recorder',
      sw_version: version,
      ...(configurationUrl !== undefined && { configuration_url: configurationUrl }),
    },
    origin: { name: ORIGIN_NAME, sw_version: version },
    availability: [{ topic: topics.available }],
    components,
  };
}

/** Each may be chosen by its name once. */
export function presetNames(presets: readonly { name: string }[]): string[] {
  return [...new Set(presets.map(({ name }) => name))].slice(0, MAX_PRESETS);
}

/** A camera, reached through the recorder. `presets`: names of places that it can look at. */
export function cameraDiscovery(
  camera: { id: CameraId; name: string },
  facts: DiscoveryFacts,
  presets: readonly string[] = [],
): Discovery {
  const { storeUuid, version, topics } = facts;
  const id = deviceId(storeUuid, camera.id);
  const topic = (what: Parameters<Topics['camera']>[1]) => topics.camera(camera.id, what);
  // What the camera itself has to say; what can be set can be set while it is away too.
  const ofCamera = {
    availability: [{ topic: topics.available }, { topic: topic('available') }],
    availability_mode: 'all',
  };
  const diagnostic = (key: string, more: Record<string, unknown> & { name: string }): Component => ({
    platform: 'sensor',
    unique_id: `${id}_${key}`,
    state_topic: topic('status'),
    entity_category: 'diagnostic',
    ...more,
  });
  const components: Components = {
    motion: {
      platform: 'binary_sensor',
      unique_id: `${id}_motion`,
      name: 'Motion',
      device_class: 'motion',
      state_topic: topic('motion'),
      ...ofCamera,
    },
    event: {
      platform: 'event',
      unique_id: `${id}_event`,
      name: 'Event',
      device_class: 'motion',
      event_types: ['opened', 'closed'],
      state_topic: topic('event'),
    },
    picture: {
      platform: 'image',
      unique_id: `${id}_picture`,
      name: 'Last event',
      image_topic: topic('picture'),
      content_type: 'image/jpeg',
    },
    record: {
      platform: 'select',
      unique_id: `${id}_record`,
      name: 'Recording',
      entity_category: 'config',
      options: ['off', 'continuous', 'events'],
      command_topic: topic('record/set'),
      state_topic: topic('record/state'),
    },
    enabled: {
      platform: 'switch',
      unique_id: `${id}_enabled`,
      name: 'Enabled',
      entity_category: 'config',
      command_topic: topic('enabled/set'),
      state_topic: topic('enabled/state'),
    },
    trigger: {
      platform: 'button',
      unique_id: `${id}_trigger`,
      name: 'Trigger event',
      command_topic: topic('trigger/set'),
      ...ofCamera,
    },
    ...(presets.length > 0 && {
      preset: {
        platform: 'select',
        unique_id: `${id}_preset`,
        name: 'Preset',
        options: [...presets],
        command_topic: topic('ptz/set'),
        ...ofCamera,
      },
    }),
    connection: {
      platform: 'binary_sensor',
      unique_id: `${id}_connection`,
      name: 'Connection',
      device_class: 'connectivity',
      entity_category: 'diagnostic',
      state_topic: topic('status'),
      value_template: "{{ 'ON' if value_json.state == 'live' else 'OFF' }}",
      json_attributes_topic: topic('status'),
    },
    bitrate: diagnostic('bitrate', {
      name: 'Bit rate',
      device_class: 'data_rate',
      unit_of_measurement: 'kbit/s',
      state_class: 'measurement',
      value_template: '{{ (value_json.bitrateBps / 1000) | round(0) }}',
      ...ofCamera,
    }),
    reconnects: diagnostic('reconnects', {
      name: 'Reconnects',
      state_class: 'total_increasing',
      value_template: '{{ value_json.reconnects }}',
    }),
    days_kept: diagnostic('days_kept', {
      name: 'Days kept',
      device_class: 'duration',
      unit_of_measurement: 'd',
      state_class: 'measurement',
      value_template: '{{ value_json.daysKept }}',
    }),
  };
  return {
    device: {
      identifiers: [id],
      name: camera.name,
      manufacturer: MANUFACTURER,
      model: 'Camera',
      via_device: deviceId(storeUuid),
    },
    origin: { name: ORIGIN_NAME, sw_version: version },
    availability: [{ topic: topics.available }],
    components,
  };
}
