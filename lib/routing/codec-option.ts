import { optionError, type Option } from '../options.js';
import { CODECS, findCodec, type Codec } from '../peer/codecs/index.js';

/** A codec, or its name. */
export const codecOption: Option<Codec> = {
  read(path, value) {
    const codec = typeof value === 'string' ? findCodec(value) : CODECS.find((one) => one === value);
    if (codec === undefined) throw optionError(path, `one of ${CODECS.map(({ name }) => name).join(', ')}`, value);
    return codec;
  },
};
