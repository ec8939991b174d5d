/** What tests of the `headgate` command ask it over HTTP. */

export type Json = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

/** Of a POST with this body. */
export const post = async (url: string, body: object): Promise<Json> =>
  (await (await fetch(url, { method: 'POST', body: JSON.stringify({ transaction: 't', ...body }) })).json()) as Json;

/** A handle of the streaming plugin; sends it messages. */
export async function streaming(base: string): Promise<(body: object) => Promise<Json>> {
  const { data: session } = await post(base, { janus: 'create' });
  const { data: handle } = await post(`${base}/${session.id}`, { janus: 'attach', plugin: 'janus.plugin.streaming' });
  return async (body) =>
    (await post(`${base}/${session.id}/${handle.id}`, { janus: 'message', body })).plugindata.data as Json;
}

/** A folder that serves HTTP on that port; `rest` goes into `general` of janus.jcfg. */
export const MINIMAL = (port: number, rest = ''): Record<string, string> => ({
  'janus.jcfg': `general: { debug_level = 4 ${rest} }`,
  'janus.transport.http.jcfg': `general: { http = true port = ${String(port)} ip = "127.0.0.1" }`,
});
