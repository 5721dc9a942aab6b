// What a route says, asked when a page opens and whenever `again` is called; an answer that is overtaken is dropped.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError, Result } from '../api.ts';

export interface Answered<T> {
  value: T | undefined;
  /** Of the last question; the value before it stays. */
  error: ApiError | undefined;
  /** `unlessAsking`: an answer that is on its way is waited for instead. */
  again(unlessAsking?: boolean): Promise<void>;
}

/** Asks anew when `key` changes. */
export function useAnswer<T>(ask: (signal: AbortSignal) => Promise<Result<T>>, key = ''): Answered<T> {
  const [value, setValue] = useState<T>();
  const [error, setError] = useState<ApiError>();
  const running = useRef<AbortController | undefined>(undefined);
  const again = async (unlessAsking = false) => {
    if (unlessAsking && running.current) return;
    running.current?.abort();
    const own = (running.current = new AbortController());
    const answer = await ask(own.signal);
    if (running.current === own) running.current = undefined;
    if (own.signal.aborted || answer.is === 'aborted') return;
    setError(answer.is === 'error' ? answer.error : undefined);
    if (answer.is === 'ok') setValue(answer.value);
  };
  useEffect(() => {
    void again();
    return () => running.current?.abort();
  }, [key]);
  return { value, error, again };
}
