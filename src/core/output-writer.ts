// Lines to whoever reads what the service prints.

/** Whoever reads our output so slowly that this much waits gets no more lines: the service does not wait for readers. */
const MAX_WAITING_OUTPUT_BYTES = 256 * 1024;

/** One line per write; never throws, never waits for the reader. */
export function outputWriter(stream: NodeJS.WriteStream): (line: string) => void {
  let lost = 0;
  // Whoever read our output may be gone; recording goes on.
  stream.on('error', () => undefined);
  return line => {
    if (stream.writableLength > MAX_WAITING_OUTPUT_BYTES) {
      lost++;
      return;
    }
    if (lost > 0)
      stream.write(`${JSON.stringify({ level: 'warn', tag: 'log', msg: 'lines were lost', lines: lost })}\n`);
    lost = 0;
    stream.write(line);
  };
}
