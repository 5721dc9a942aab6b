// Texts of the page about backups and the program itself.
import { words } from '../words.ts';

export const systemWords = words('system', {
  backup: 'Backup',
  backupHint: 'One file of all cameras, users, groups and settings: without footage, passwords and secrets.',
  download: 'Download a backup',
  restore: 'Restore',
  file: 'File of a backup',
  restoreHint: 'Nothing is changed before you have seen what would be. Nothing is ever removed.',
  notJson: 'This file is no backup.',
  notJsonCure: 'Choose one that was downloaded here: it ends in .json.',
  nothing: 'Everything is as in this backup already.',
  would: 'This backup would change {n} {n:thing|things}:',
  did: 'The backup is restored:',
  apply: 'Restore {n} {n:thing|things}',
  about: 'About',
  version: 'Version {version}, up for {time}',
  data: 'Recordings and settings lie in {folder} on the board.',
  licence:
    'Thimble is free software under the MIT licence. Releases hold the licences of everything else in them in the folder "licences".',
});

/** Columns of the steps of a restore, and what stands in them. */
export const systemNames = words('system', {
  what: 'What',
  action: 'Change',
  note: 'Note',
  camera: 'camera',
  user: 'user',
  group: 'group',
  setting: 'setting',
  add: 'add',
  change: 'change {fields}',
  same: 'as it is',
  skip: 'left alone',
  failed: 'failed',
});
