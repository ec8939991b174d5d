/** A difference that is meant, or that cannot be helped. */
export interface KnownDifference {
  request: RegExp;
  difference: RegExp;
  reason: string;
}

/** What differs from Janus 1.1.2, and why. */
export const KNOWN: readonly KnownDifference[] = [
  {
    request: /./,
    difference: /\bhint: only Janus has it$/,
    reason: 'a text for people that plugins of Janus add to their acks; clients may not rely on it, and none does',
  },
  {
    request: /"janus":"info"|GET \/info/,
    difference: /mdns-enabled: true, false$/,
    reason: '.local candidates are not resolved; the peer is found by its checks (peer-reflexive)',
  },
  {
    request: /"janus":"message".*"type":"answer"/,
    difference: /"code":469/,
    reason: 'an answer that nobody asked for is refused; Janus takes one for a negotiated handle, and does nothing',
  },
  {
    request: /^(GET|POST) \/ping/,
    difference: /./,
    reason: 'GET /ping came with Janus 1.4, where a POST to it is refused',
  },
  {
    request: /^POST \/1\/2\/3|^PUT /,
    difference: /cut off|only headgate has it/,
    reason: 'Janus cuts the connection off if such a request has a body; the answer is what it gives to one without',
  },
  {
    request: /"body":\{"(spatial_layer|temporal_layer|svc|audiocodec)":[^,]*\}\}$/,
    difference: /error_code: only Janus|error: only Janus|result: only headgate/,
    reason: 'a layer or codec may be chosen without another setting beside it',
  },
  {
    request: /"request":"stop"/,
    difference: /no event/,
    reason: 'the newest line answers "idle" where 1.1.2 says nothing',
  },
  {
    request: /"request":"configure".*"substream":5/,
    difference: /error|result/,
    reason: 'there are three encodings: the newest line checks it, too',
  },
  {
    request: /"janus":"info"|GET \/info/,
    difference: /ice-consent-freshness: only headgate has it$/,
    reason: 'consent (RFC 7675) is always checked; Janus names it if it was turned on',
  },
  {
    request: /^POST {2}""$/,
    difference: /cut off|only headgate has it/,
    reason: 'the admin API says that the body is missing; Janus 1.1.2 cuts the connection off',
  },
  {
    request: /get_status/i,
    difference: /log_rotate_sig: only headgate/,
    reason: 'log_rotate_sig is of the newest line',
  },
  {
    request: /query_transport.*"configure","(json":5|events":"x")/,
    difference: /response\.result: only Janus has it$/,
    reason: 'beside the error Janus says that the result is 200',
  },
  {
    request: /query_transport.*"events":true/,
    difference: /response\.notes: only Janus has it$/,
    reason: 'Janus notes that its event handlers are turned off; ours need not be',
  },
  {
    request: /message_plugin.*echotest/,
    difference: /response/,
    reason: 'the echo test has no requests without a handle; Janus 1.1.2 gives back what it was sent',
  },
  {
    request: /"janus":"(start|stop)_(pcap|text2pcap)"/,
    difference: /\.session_id: only headgate has it$/,
    reason: 'an answer about a session says which, as all others do',
  },
  {
    request: /"janus":"handle_info"/,
    difference: /info\.(webrtc\.|agent-started|pending-trickles).*: only headgate has it$/,
    reason: 'members that Janus adds once there is something to say are there from the beginning',
  },
  {
    request: /"janus":"handle_info"/,
    difference: /info\.(flags\.has-|webrtc\.ice\.(component_id|state|ready)|webrtc\.dtls\.sctp)/,
    reason: 'a moment after the answer: Janus sets these when ICE has gathered, or when DTLS is done',
  },
  {
    request: /"janus":"handle_info"/,
    difference: /-link-quality: 0, 100$/,
    reason: 'nothing was lost yet: Janus says 0 until a report came',
  },
];
