// Notifications of many makers against what a right reader gets from them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { meaningsOf, type OnvifEventKind } from '../../src/onvif/event-kind.ts';
import { readNotifications } from '../../src/onvif/notification.ts';
import { parseXml, type XmlElement } from '../../src/onvif/xml.ts';
import { suite } from '../support/suite.ts';
import { testdataDir } from '../support/testdata.ts';

const test = suite('onvif notifications');

interface Expected {
  kind: string;
  active: boolean | null;
  topic: string;
  source: string;
}

/** The coarser words of the recorded set. */
const COARSE: Partial<Record<OnvifEventKind, string>> = {
  'cell-motion': 'motion',
  field: 'intrusion',
  input: 'other',
  face: 'other',
  sound: 'other',
};

/** The answer, without its envelope where it has one. */
function inside(root: XmlElement): XmlElement {
  return root.children.find(one => one.name === 'Body')?.children[0] ?? root;
}

const folder = testdataDir === undefined ? undefined : join(testdataDir, 'onvif');
test.needs(
  folder !== undefined,
  'the shared test data is not here',
  'all recorded notifications mean what is expected',
  () => {
    const { files } = JSON.parse(readFileSync(join(folder ?? '', 'expected.json'), 'utf8')) as {
      files: Record<string, Expected[]>;
    };
    assert.ok(Object.keys(files).length >= 34);
    for (const [file, expected] of Object.entries(files)) {
      const found = readNotifications(inside(parseXml(readFileSync(join(folder ?? '', file)))));
      const coarse = found.flatMap(({ meanings, topic, source }) =>
        meanings.map(({ kind, active }) => ({ kind: COARSE[kind] ?? kind, active, topic, source })),
      );
      const bare = expected.map(({ kind, active, topic, source }) => ({ kind, active, topic, source }));
      assert.equal(coarse, bare, file);
    }
  },
);

test('inputs, faces, sounds and areas have kinds of their own', () => {
  const kindOf = (topic: string, name: string, value = 'true') => meaningsOf(topic, [{ name, value }]);
  assert.equal(kindOf('Device/Trigger/DigitalInput', 'LogicalState'), [{ kind: 'input', active: true }]);
  assert.equal(kindOf('RuleEngine/MyRuleDetector/FaceDetect', 'State'), [{ kind: 'face', active: true }]);
  assert.equal(kindOf('AudioAnalytics/Audio/DetectedSound', 'IsSoundDetected'), [{ kind: 'sound', active: true }]);
  assert.equal(kindOf('RuleEngine/FieldDetector/ObjectsInside', 'IsInside', '0'), [{ kind: 'field', active: false }]);
  assert.equal(kindOf('RuleEngine/CellMotionDetector/Motion', 'IsMotion'), [{ kind: 'cell-motion', active: true }]);
  assert.equal(kindOf('UserAlarm/IVA/HumanShapeDetect', 'State'), [{ kind: 'person', active: true }]);
  assert.equal(kindOf('Device/Trigger/MotionDetector', 'State', 'active'), [{ kind: 'motion', active: true }]);
  assert.equal(kindOf('CameraApplicationPlatform/FenceGuard/Camera1Profile1', 'active', '1'), [
    { kind: 'line', active: true },
  ]);
  assert.equal(kindOf('CameraApplicationPlatform/MotionGuard/Camera1Profile1', 'active', '1'), [
    { kind: 'motion', active: true },
  ]);
  assert.equal(kindOf('Device/Sensor/PIR', 'state', '0'), [{ kind: 'motion', active: false }]);
  assert.equal(kindOf('AudioSource/TriggerLevel', 'triggered', '1'), [{ kind: 'sound', active: true }]);
  assert.equal(kindOf('RuleEngine/MyRuleDetector/BabyCryingDetect', 'State'), [{ kind: 'sound', active: true }]);
  assert.equal(kindOf('VideoSource/GlobalSceneChange/ImagingService', 'State'), [{ kind: 'tamper', active: true }]);
});

test('an object detection tells of each class, and of none', () => {
  const seen = (value: string) => meaningsOf('RuleEngine/ObjectDetection/Object', [{ name: 'ClassTypes', value }]);
  assert.equal(seen('Human Vehicle'), [
    { kind: 'person', active: true },
    { kind: 'vehicle', active: true },
  ]);
  assert.equal(seen(''), [{ kind: 'other', active: false }]);
  assert.equal(seen('Spaceship'), [{ kind: 'other', active: null }]);
  const items = [
    { name: 'classTypes', value: 'human' },
    { name: 'active', value: '0' },
  ];
  assert.equal(meaningsOf('CameraApplicationPlatform/ObjectAnalytics/Device1Scenario1', items), [
    { kind: 'person', active: false },
  ]);
});

test('what nobody knows sets nothing off', () => {
  const nothing = [{ kind: 'other', active: null }];
  assert.equal(meaningsOf('RuleEngine/PeopleDetector/People', [{ name: 'IsNotPerson', value: 'true' }]), nothing);
  assert.equal(meaningsOf('VideoSource/ImageTooDark/ImagingService', [{ name: 'State', value: 'true' }]), nothing);
  assert.equal(meaningsOf('Device/Trigger/Relay', [{ name: 'LogicalState', value: 'active' }]), nothing);
  assert.equal(meaningsOf('VideoSource/MotionAlarm', [{ name: 'State', value: 'perhaps' }]), nothing);
});

test('messages in foreign namespaces are not seen, long topics neither', () => {
  const message = (uri: string, topic: string) =>
    `<r xmlns:w="${uri}" xmlns:tt="http://www.onvif.org/ver10/schema"><w:NotificationMessage><w:Topic>${topic}</w:Topic><w:Message><tt:Message><tt:Data><tt:SimpleItem Name="State" Value="true"/></tt:Data></tt:Message></w:Message></w:NotificationMessage></r>`;
  const read = (text: string) => readNotifications(parseXml(Buffer.from(text)));
  assert.is(read(message('http://docs.oasis-open.org/wsn/b-2', 'tns1:VideoSource/MotionAlarm')).length, 1);
  assert.equal(read(message('http://example.org/wsn/b-2', 'tns1:VideoSource/MotionAlarm')), []);
  assert.equal(read(message('http://docs.oasis-open.org/wsn/b-2', `tns1:${'x/'.repeat(500)}MotionAlarm`)), []);
});

test.run();
