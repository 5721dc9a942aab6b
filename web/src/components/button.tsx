// A button with an icon, a text, or both.
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps {
  icon?: IconName;
  /** Shown beside the icon. */
  text?: string;
  /** Said, and shown on hovering, where there is no text or where it says too little. */
  label?: string;
  kind?: 'primary' | 'plain' | 'danger' | undefined;
  /** Classes beside `button`. */
  extra?: string;
  pressed?: boolean | undefined;
  expanded?: boolean;
  disabled?: boolean;
  onClick(): void;
}

export function Button({ icon, text, label, kind, extra = '', pressed, expanded, disabled, onClick }: ButtonProps) {
  return (
    <button
      type="button"
      class={`button ${extra}`}
      data-kind={kind}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      disabled={disabled}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      {text && <span>{text}</span>}
    </button>
  );
}
