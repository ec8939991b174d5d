export interface Offer {
  mid: string;
  payloadType: string;
  ssrc: string;
}
export class JanusSession {
  static open(url: string): Promise<JanusSession>;
  attach(plugin?: string, opaqueId?: string): Promise<number>;
  ask(handle: number, body: object): Promise<void>;
  message(handle: number, body: object, jsep?: object): Promise<{ jsep: { type: string; sdp: string } }>;
  trickle(handle: number, candidate: object): Promise<void>;
  hangup(handle: number): Promise<void>;
  detach(handle: number): Promise<void>;
  close(): Promise<void>;
}
export function readDescription(sdp: string): Offer;
export function addCommand(id: number, offer: Offer): string;
export function writeAnswer(offer: Offer, local: object): string;
export function writeVideoOffer(id: number, local: object): string;
export function connectCommand(id: number, answer: Offer): string;
