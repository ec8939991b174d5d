/** Full trickle (RFC 8838): our candidates come in events of their own, not in descriptions. */
import type { Jsep } from '../plugins/handle.js';

/** What a `trickle` event carries. */
export type TrickledCandidate = { sdpMid?: string; sdpMLineIndex: number; candidate: string } | { completed: true };

/** Takes candidates out of the descriptions of one handle. */
export class FullTrickle {
  /** Whose candidates were told. */
  #ufrag: string | undefined;

  /**
   * @returns the description without candidates, and those that are to follow it: none, if they belong to
   *   ICE credentials of which the client knows
   */
  split(jsep: Jsep): { jsep: Jsep; candidates: readonly TrickledCandidate[] } {
    const lines = jsep.sdp.split('\r\n');
    const kept = lines.filter((line) => !/^a=(candidate:|end-of-candidates)/.test(line));
    const ufrag = lines.find((line) => line.startsWith('a=ice-ufrag:'));
    const isKnown = ufrag === this.#ufrag;
    this.#ufrag = ufrag;
    return { jsep: { ...jsep, sdp: kept.join('\r\n') }, candidates: isKnown ? [] : candidatesOf(jsep.sdp) };
  }
}

/** Those of the first m-line that has some: all share one transport (BUNDLE). */
function candidatesOf(sdp: string): TrickledCandidate[] {
  const media = sdp.split(/^(?=m=)/m).slice(1);
  const sdpMLineIndex = media.findIndex((section) => section.includes('a=candidate:'));
  const section = media[sdpMLineIndex] ?? '';
  const sdpMid = /^a=mid:(\S+)/m.exec(section)?.[1];
  const found = [...section.matchAll(/^a=(candidate:.*?)\r?$/gm)].map(([, candidate = '']) => ({
    ...(sdpMid === undefined ? {} : { sdpMid }),
    sdpMLineIndex,
    candidate,
  }));
  return [...found, { completed: true }];
}
