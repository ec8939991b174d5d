/** One m-line of a session description, as far as it is shown. */
export interface SdpLine {
  readonly type: string;
  readonly port: number;
  readonly mid: string;
  readonly direction: string;
  /** `a=msid`: stream and track. */
  readonly msid: readonly string[];
  readonly extensions: readonly { id: number; uri: string }[];
}

/** The m-lines of a session description. */
export function sdpLines(sdp: string): SdpLine[] {
  return sdp
    .split(/^m=/m)
    .slice(1)
    .map((section) => {
      const [head = '', ...rest] = section.split(/\r?\n/);
      const [type = '', port = '0'] = head.split(' ');
      const values = (name: string): string[] =>
        rest.filter((line) => line.startsWith(`a=${name}:`)).map((line) => line.slice(name.length + 3));
      return {
        type,
        port: Number.parseInt(port, 10),
        mid: values('mid')[0] ?? '',
        direction: rest.find((line) => /^a=(sendrecv|sendonly|recvonly|inactive)$/.test(line))?.slice(2) ?? 'sendrecv',
        msid: values('msid')[0]?.split(' ') ?? [],
        extensions: values('extmap').map((value) => {
          const [id = '', uri = ''] = value.split(' ');
          return { id: Number.parseInt(id, 10), uri };
        }),
      };
    });
}
