/**
 * Session descriptions of strangers. An input is the text of one and, as its last
 * byte, what it is played with: it is an offer, and an answer to one of our offers.
 */
import { RemoteError } from '../../../lib/errors.js';
import { offersOf, playAnswer, playOffer } from '../peer/sdp/play.js';

const OFFERS = [...offersOf().values()];

/** @throws what is neither a result nor a refusal */
export function fuzz(input: Uint8Array): void {
  const sdp = new TextDecoder().decode(input);
  const choice = input.at(-1) ?? 0;
  let bits = choice;
  const random = (below: number): number => {
    const taken = bits % below;
    bits >>= 1;
    return taken;
  };
  take(() => {
    playOffer(sdp, random);
  });
  const offer = OFFERS[choice % OFFERS.length];
  if (offer !== undefined) {
    take(() => {
      playAnswer(sdp, offer);
    });
  }
}

function take(play: () => void): void {
  try {
    play();
  } catch (error) {
    if (!(error instanceof RemoteError) || error.code !== 'HG_ERR_REMOTE_SDP') throw error;
  }
}
