// What the test source shows and sounds like, as ffmpeg's lavfi expressions.

/**
 * Colour bars, a running clock with the number of the frame, a line that
 * sweeps, and a ball that touches the ground when a bell rings.
 * The clock is cut out of testsrc2, which needs no font.
 */
export const TEST_PICTURE = [
  'smptehdbars=size=640x360:rate=24[bars]',
  "testsrc2=size=640x360:rate=24,crop=100:34:2:2,format=yuv420p,lutyuv=y='if(gt(val,100),235,24)':u=128:v=128," +
    'scale=300:102:flags=neighbor[clock]',
  'color=color=0x4cc9b4:size=4x210:rate=24[line]',
  'color=color=0x4cc9b4:size=28x28:rate=24[ball]',
  "[bars][line]overlay=x='mod(t*80,644)-4'[swept]",
  '[swept][clock]overlay=x=(W-w)/2:y=54[timed]',
  "[timed][ball]overlay=x='abs(mod(t*153,2*(W-w))-(W-w))':y='H-h-64*abs(sin(PI*t))'",
].join(';');

/** Small and slow; what dies fades away. The first seconds, when all is in uproar, are left out. */
export const GAME_OF_LIFE =
  'life=size=48x27:rate=8:ratio=0.16:seed=21:mold=12:life_color=0xf4d35e:death_color=0x1f6f8b:mold_color=0x0b2530,' +
  'trim=start=3,setpts=PTS-STARTPTS,scale=480:270:flags=neighbor';

/** A soft bell every second, four notes in turn; silent at the end of each, so that it can be cut there. */
const notes = [523.25, 659.25, 783.99, 659.25];
const frequency = notes.reduceRight((rest, note, i) => `if(lt(mod(t,${notes.length}),${i + 1}),${note},${rest})`);
const beat = 'mod(t,1)';
const bell = `0.3*(1-exp(-200*${beat}))*exp(-5*${beat})*sin(2*PI*${beat}*(${frequency}))`;
export const BELLS = `aevalsrc='${bell}':sample_rate=48000`;
