// A gateway that records a VP8 source to the file it is told, as a process. Says
// where RTP is expected; with `tmp` the file has that behind its name meanwhile.
import { Gateway, link, silentLogger } from 'headgate';

const [path, recordingsTmpExtension] = process.argv.slice(2);
const gateway = await Gateway.open({
  logger: silentLogger,
  media: { addresses: ['127.0.0.1'], threads: 1 },
  ...(recordingsTmpExtension === undefined ? {} : { recordingsTmpExtension }),
});
const { media } = await gateway.createMountpoint({
  id: 1,
  media: [{ type: 'video', mid: 'v', codec: 'vp8', port: 0 }],
});
const [{ source }] = media;
link(source, gateway.createRecorder({ path, codec: source.codec }));
console.log(JSON.stringify({ event: 'ready', httpPort: 0, feedPort: source.port }));
process.stdin.resume();
