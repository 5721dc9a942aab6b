// Texts of logging in.
import { words } from '../words.ts';

export const accountWords = words('account', {
  loginTitle: 'Log in',
  name: 'Name',
  password: 'Password',
  login: 'Log in',
  wait: 'Too many attempts. Try again in {n} {n:second|seconds}.',
});
