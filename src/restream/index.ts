// What the rest of the service sees of `restream`.
export { Restream, type RestreamOptions, type RestreamProblem, type RestreamState } from './restream.ts';
export {
  checkRestream,
  type NewRestreamUser,
  newRestreamUserSchema,
  type ProvisionedRestream,
  type RestreamPatch,
  type RestreamSettings,
  type RestreamUser,
  restreamPatchSchema,
  restreamSecretSchema,
} from './restream-settings.ts';
