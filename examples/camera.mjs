// What the small examples have in common: a gateway with one live stream. Feed
// it with VP8 and Opus, for instance from ffmpeg:
//   ffmpeg -re -f lavfi -i testsrc=size=640x360:rate=24 -c:v libvpx -deadline realtime -g 48 \
//     -f rtp 'rtp://127.0.0.1:5004?pkt_size=1200'
import { Gateway } from 'headgate';

const { VIDEO_PORT = '5004', AUDIO_PORT = '5002' } = process.env;

export async function openCamera() {
  // Loopback candidates are for a browser on this machine; leave them out elsewhere.
  const gateway = await Gateway.open({ media: { allowLoopback: true } });
  await gateway.createMountpoint({
    id: 1,
    description: 'camera',
    media: [
      { type: 'audio', mid: 'a', codec: 'opus', port: Number(AUDIO_PORT) },
      { type: 'video', mid: 'v', codec: 'vp8', port: Number(VIDEO_PORT) },
    ],
  });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, async () => {
      await gateway.close();
      process.exit();
    });
  }
  return gateway;
}
