// As much of a client of the Janus API over HTTP, and of SDP, as it takes to
// watch a mountpoint. Works with headgate and with Janus.
import { Agent, request } from 'node:http';
import { randomUUID } from 'node:crypto';

/** A session with any number of handles. */
export class JanusSession {
  #url;
  #agent = new Agent({ keepAlive: true, maxSockets: 32 });
  #path;
  #events = new Map(); // by transaction
  #closed = false;

  static async open(url) {
    const session = new JanusSession(url);
    const { data } = await session.#post('', { janus: 'create' });
    session.#path = `/${data.id}`;
    void session.#poll();
    return session;
  }

  constructor(url) {
    this.#url = url;
  }

  /** A handle of the streaming plugin. */
  async attach() {
    const { data } = await this.#post(this.#path, { janus: 'attach', plugin: 'janus.plugin.streaming' });
    return data.id;
  }

  /** Sends a request that is answered at once. */
  async ask(handle, body) {
    await this.#post(`${this.#path}/${handle}`, { janus: 'message', body });
  }

  /** Sends a request that is answered by an event; gives the event. */
  async message(handle, body, jsep) {
    const transaction = randomUUID();
    const event = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#events.delete(transaction);
        reject(new Error(`no answer to "${body.request}"`));
      }, 30_000);
      this.#events.set(transaction, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
    });
    await this.#post(`${this.#path}/${handle}`, { janus: 'message', transaction, body, jsep });
    const message = await event;
    const error = message.plugindata?.data?.error ?? message.error?.reason;
    if (error !== undefined) throw new Error(`"${body.request}" was refused: ${error}`);
    return message;
  }

  async detach(handle) {
    await this.#post(`${this.#path}/${handle}`, { janus: 'detach' });
  }

  async close() {
    if (this.#closed) return;
    this.#closed = true;
    await this.#post(this.#path, { janus: 'destroy' }).catch(() => {});
    this.#agent.destroy();
  }

  async #poll() {
    while (!this.#closed) {
      try {
        const events = await this.#request('GET', `${this.#path}?maxev=10`);
        for (const event of [events].flat()) {
          this.#events.get(event.transaction)?.(event);
          this.#events.delete(event.transaction);
        }
      } catch (error) {
        if (this.#closed) return;
        console.error(`long poll: ${error.message}`);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  async #post(path, message) {
    const reply = await this.#request('POST', path, { transaction: randomUUID(), ...message });
    if (reply.janus === 'error') throw new Error(`"${message.janus}" was refused: ${reply.error.reason}`);
    return reply;
  }

  #request(method, path, message) {
    return new Promise((resolve, reject) => {
      const body = message === undefined ? undefined : JSON.stringify(message);
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const outgoing = request(`${this.#url}${path}`, { method, agent: this.#agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part) => (text += part));
        response.on('error', reject);
        response.on('end', () => {
          try {
            resolve(JSON.parse(text));
          } catch {
            reject(new Error(`status ${response.statusCode} with ${text.slice(0, 100)}`));
          }
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

/** What there is to know of an offer with one video m-line. */
export function readOffer(sdp) {
  const all = (pattern) => [...sdp.matchAll(pattern)].map(([, value]) => value);
  const one = (pattern) => all(pattern)[0];
  const payloadType = one(/^m=video \S+ \S+ (\d+)/gm);
  const rtx = /^a=rtpmap:(\d+) rtx\/90000\r?$/m.exec(sdp)?.[1];
  const group = /^a=ssrc-group:FID (\d+) (\d+)/m.exec(sdp);
  return {
    mid: one(/^a=mid:(\S+)/gm),
    bundle: one(/^a=group:BUNDLE ([^\r\n]*)/gm),
    profile: one(/^m=video \S+ (\S+)/gm),
    payloadType,
    rtpmap: one(new RegExp(`^a=rtpmap:${payloadType} (\\S+)`, 'gm')),
    nack: new RegExp(`^a=rtcp-fb:${payloadType} nack\\r?$`, 'm').test(sdp),
    ssrc: group?.[1] ?? one(/^a=ssrc:(\d+) /gm),
    rtx: rtx !== undefined && group ? { payloadType: rtx, ssrc: group[2] } : undefined,
    ufrag: one(/^a=ice-ufrag:(\S+)/gm),
    pwd: one(/^a=ice-pwd:(\S+)/gm),
    fingerprint: one(/^a=fingerprint:(\S+ \S+)/gm)?.replace(' ', ','),
    candidates: [...new Set(all(/^a=(candidate:[^\r\n]*)/gm))],
  };
}

/** The line by which the load client is told to answer an offer. */
export function addCommand(id, offer) {
  const { rtx } = offer;
  return [
    `add id=${id} ssrc=${offer.ssrc} pt=${offer.payloadType}`,
    ...(rtx ? [`rtx-ssrc=${rtx.ssrc} rtx-pt=${rtx.payloadType}`] : []),
    `nack=${offer.nack ? 1 : 0} ufrag=${offer.ufrag} pwd=${offer.pwd} fingerprint=${offer.fingerprint}`,
    `candidates=${offer.candidates.join('|')}`,
  ].join(' ');
}

/** An answer that takes what was offered, with the load client's `local`. */
export function writeAnswer(offer, local) {
  const { mid, payloadType, rtx } = offer;
  const address = local.candidates[0]?.split(' ')[4] ?? '127.0.0.1';
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    't=0 0',
    `a=group:BUNDLE ${mid}`,
    `m=video 9 ${offer.profile} ${payloadType}${rtx ? ` ${rtx.payloadType}` : ''}`,
    `c=IN IP4 ${address}`,
    'a=recvonly',
    `a=mid:${mid}`,
    'a=rtcp-mux',
    `a=ice-ufrag:${local.ufrag}`,
    `a=ice-pwd:${local.pwd}`,
    `a=fingerprint:sha-256 ${local.fingerprint}`,
    'a=setup:active',
    `a=rtpmap:${payloadType} ${offer.rtpmap}`,
    ...(offer.nack ? [`a=rtcp-fb:${payloadType} nack`] : []),
    `a=rtcp-fb:${payloadType} nack pli`,
    ...(rtx ? [`a=rtpmap:${rtx.payloadType} rtx/90000`, `a=fmtp:${rtx.payloadType} apt=${payloadType}`] : []),
    ...local.candidates.map((candidate) => `a=${candidate}`),
    'a=end-of-candidates',
    '',
  ].join('\r\n');
}
