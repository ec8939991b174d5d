// As much of a client of the Janus API over HTTP, and of SDP, as it takes to
// watch a mountpoint or to use the echo test. Works with headgate and with Janus.
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

  /** A handle of a plugin. */
  async attach(plugin = 'janus.plugin.streaming', opaqueId) {
    const { data } = await this.#post(this.#path, { janus: 'attach', plugin, opaque_id: opaqueId });
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
        reject(new Error(`no answer to ${nameOf(body)}`));
      }, 30_000);
      this.#events.set(transaction, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
    });
    await this.#post(`${this.#path}/${handle}`, { janus: 'message', transaction, body, jsep });
    const message = await event;
    const error = message.plugindata?.data?.error ?? message.error?.reason;
    if (error !== undefined) throw new Error(`${nameOf(body)} was refused: ${error}`);
    return message;
  }

  async trickle(handle, candidate) {
    await this.#post(`${this.#path}/${handle}`, { janus: 'trickle', candidate });
  }

  async hangup(handle) {
    await this.#post(`${this.#path}/${handle}`, { janus: 'hangup' });
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

/** Of a request; those of the echo test have no name. */
function nameOf(body) {
  return `"${body.request ?? JSON.stringify(body)}"`;
}

/** What there is to know of an offer or answer with one m-line. */
export function readDescription(sdp) {
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
    extension: (uri) => new RegExp(`^a=extmap:(\\d+)(?:/\\w+)? ${uri}\\r?$`, 'm').exec(sdp)?.[1],
    sctpPort: one(/^a=sctp-port:(\d+)/gm),
    setup: one(/^a=setup:(\w+)/gm),
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
    `nack=${offer.nack ? 1 : 0} ${transportOf(offer)}`,
  ].join(' ');
}

function transportOf({ ufrag, pwd, fingerprint, candidates }) {
  return `ufrag=${ufrag} pwd=${pwd} fingerprint=${fingerprint} candidates=${candidates.join('|')}`;
}

/** An answer that takes what was offered, with the load client's `local`. */
export function writeAnswer(offer, local) {
  const { mid, payloadType, rtx } = offer;
  return writeDescription(local, {
    media: `video 9 ${offer.profile} ${payloadType}${rtx ? ` ${rtx.payloadType}` : ''}`,
    mid,
    setup: 'active',
    lines: [
      'a=recvonly',
      'a=rtcp-mux',
      `a=rtpmap:${payloadType} ${offer.rtpmap}`,
      ...(offer.nack ? [`a=rtcp-fb:${payloadType} nack`] : []),
      `a=rtcp-fb:${payloadType} nack pli`,
      ...(rtx ? [`a=rtpmap:${rtx.payloadType} rtx/90000`, `a=fmtp:${rtx.payloadType} apt=${payloadType}`] : []),
    ],
  });
}

// Of a publisher's offer, as a browser numbers them.
const VP8 = 96;
const RTX = 97;
const MID = '0';
const EXTENSIONS = {
  'transport-cc-ext': [3, 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01'],
  'mid-ext': [4, 'urn:ietf:params:rtp-hdrext:sdes:mid'],
};

function ssrcsOf(id) {
  return { ssrc: 1000 + 2 * id, rtxSsrc: 1001 + 2 * id };
}

/** A publisher's offer of one video, with the publish client's `local`. */
export function writeVideoOffer(id, local) {
  const { ssrc, rtxSsrc } = ssrcsOf(id);
  return writeDescription(local, {
    media: `video 9 UDP/TLS/RTP/SAVPF ${VP8} ${RTX}`,
    mid: MID,
    setup: 'actpass',
    lines: [
      'a=sendrecv',
      'a=msid:publisher video',
      'a=rtcp-mux',
      ...Object.values(EXTENSIONS).map(([number, uri]) => `a=extmap:${number} ${uri}`),
      `a=rtpmap:${VP8} VP8/90000`,
      ...['nack', 'nack pli', 'ccm fir', 'goog-remb', 'transport-cc'].map((value) => `a=rtcp-fb:${VP8} ${value}`),
      `a=rtpmap:${RTX} rtx/90000`,
      `a=fmtp:${RTX} apt=${VP8}`,
      `a=ssrc-group:FID ${ssrc} ${rtxSsrc}`,
      `a=ssrc:${ssrc} cname:publisher`,
      `a=ssrc:${rtxSsrc} cname:publisher`,
    ],
  });
}

/** The offer of a peer that has nothing but data channels. */
export function writeDataOffer(local) {
  return writeDescription(local, {
    media: 'application 9 UDP/DTLS/SCTP webrtc-datachannel',
    mid: MID,
    setup: 'actpass',
    lines: ['a=sctp-port:5000', 'a=max-message-size:262144'],
  });
}

/** The line by which the publish client is told of the answer to its offer. */
export function connectCommand(id, answer) {
  const parts = [`connect id=${id} role=${answer.setup === 'active' ? 'server' : 'client'}`];
  if (answer.sctpPort !== undefined) {
    parts.push(`sctp-port=${answer.sctpPort}`);
  } else {
    const { ssrc, rtxSsrc } = ssrcsOf(id);
    parts.push(`ssrc=${ssrc} pt=${VP8} echo-ssrc=${answer.ssrc} nack=${answer.nack ? 1 : 0}`);
    if (answer.rtx) parts.push(`rtx-ssrc=${rtxSsrc} rtx-pt=${RTX} echo-rtx-ssrc=${answer.rtx.ssrc}`);
    for (const [name, [, uri]] of Object.entries(EXTENSIONS)) {
      const number = answer.extension(uri);
      if (number !== undefined) parts.push(`${name}=${number}`);
    }
  }
  return [...parts, transportOf(answer)].join(' ');
}

function writeDescription(local, { media, mid, setup, lines }) {
  const address = local.candidates[0]?.split(' ')[4] ?? '127.0.0.1';
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    't=0 0',
    `a=group:BUNDLE ${mid}`,
    `m=${media}`,
    `c=IN IP4 ${address}`,
    `a=mid:${mid}`,
    `a=ice-ufrag:${local.ufrag}`,
    `a=ice-pwd:${local.pwd}`,
    `a=fingerprint:sha-256 ${local.fingerprint}`,
    `a=setup:${setup}`,
    ...lines,
    ...local.candidates.map((candidate) => `a=${candidate}`),
    'a=end-of-candidates',
    '',
  ].join('\r\n');
}
