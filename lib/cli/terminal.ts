import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { Interrupted, type Io } from './io.js';

/** Asks a person, or reads a pipe's lines. Reads nothing before the first question. */
export class Terminal {
  readonly #input: Io['stdin'];
  readonly #output: Writable;
  readonly #lines: string[] = [];
  #interface: Interface | undefined;
  #waiting: ((line: string | undefined) => void) | undefined;
  #ended = false;
  #isMuted = false;
  readonly #interruption = new AbortController();

  /** @param output where the questions go */
  constructor(input: Io['stdin'], output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  /** Whether a person can be asked. */
  get isInteractive(): boolean {
    return this.#input.isTTY === true;
  }

  /** Aborted when the person presses Ctrl-C. */
  get signal(): AbortSignal {
    return this.#interruption.signal;
  }

  /** @throws Interrupted */
  async ask(question: string): Promise<string> {
    const lines = this.#open();
    if (!this.isInteractive) {
      this.#output.write(question);
      return await this.#next();
    }
    lines.setPrompt(question);
    lines.prompt();
    return await this.#next();
  }

  /**
   * The same, without showing what is typed.
   * @throws Interrupted
   */
  async askSecret(question: string): Promise<string> {
    const lines = this.#open();
    // First: somebody may type as soon as the question is there.
    this.#isMuted = true;
    lines.setPrompt('');
    this.#output.write(question);
    try {
      return await this.#next();
    } finally {
      this.#isMuted = false;
      this.#output.write('\n');
    }
  }

  close(): void {
    this.#interface?.close();
  }

  #open(): Interface {
    if (this.#interface !== undefined) return this.#interface;
    const echo = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!this.#isMuted) this.#output.write(chunk);
        done();
      },
    });
    const lines = createInterface({
      input: this.#input,
      output: echo,
      terminal: this.isInteractive,
      // No arrow key brings back a password.
      historySize: 0,
    });
    lines.on('line', (line) => {
      if (this.#waiting === undefined) this.#lines.push(line);
      else this.#waiting(line);
    });
    lines.on('SIGINT', () => {
      this.#interruption.abort();
      lines.close();
    });
    lines.on('close', () => {
      this.#ended = true;
      this.#waiting?.(undefined);
    });
    return (this.#interface = lines);
  }

  async #next(): Promise<string> {
    const line =
      this.#lines.shift() ??
      (this.#ended
        ? undefined
        : await new Promise<string | undefined>((resolve) => {
            this.#waiting = resolve;
          }));
    this.#waiting = undefined;
    if (line === undefined) throw new Interrupted('Ended before all was answered.');
    return line;
  }
}
