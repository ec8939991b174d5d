export class Child {
  constructor(
    command: string,
    args: string[],
    options?: { name?: string; log?: string; env?: Record<string, string | undefined> },
  );
  readonly pid: number;
  readonly exited: Promise<string>;
  send(line: string): void;
  next(matches: (message: Message) => boolean, seconds: number, what: string): Promise<Message>;
  close(signal?: NodeJS.Signals): Promise<void>;
}

/** A line of JSON. */
export interface Message {
  event: string;
  [member: string]: unknown;
}
