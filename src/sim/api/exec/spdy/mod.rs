//! SPDY 3.1, as far as a server of streams needs it: frames read from bytes and written to them.
//!
//! Owns framing and packed headers. Must not know what streams are for.

mod dictionary;

use flate2::{Decompress, FlushDecompress};

use dictionary::dictionary;

/// Bytes of one frame, and of unpacked headers, that are taken.
const LARGEST: usize = 1 << 20;
/// Bytes before the content of a frame.
const HEAD: usize = 8;
/// The version in control frames, with the bit that tells them from data.
const CONTROL: u16 = 0x8003;
const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
/// The sender has nothing more to say on the stream.
const FIN: u8 = 1;

/// What a peer says.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// A new stream.
    Open { stream: u32, headers: Vec<(String, String)> },
    /// Content of a stream; `last` if there will be no more.
    Data { stream: u32, bytes: Vec<u8>, last: bool },
    /// The stream is no longer wanted.
    Reset(u32),
    /// To be sent back.
    Ping([u8; 4]),
    /// No new streams will come.
    Away,
}

/// Nothing sensible can follow.
#[derive(Debug, PartialEq)]
pub(super) struct Broken;

/// Makes frames of bytes as they come.
pub(super) struct Reader {
    rest: Vec<u8>,
    headers: Decompress,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { rest: Vec::new(), headers: Decompress::new(true) }
    }

    /// The frames that are whole now.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, Broken> {
        self.rest.extend_from_slice(bytes);
        let mut found = Vec::new();
        while let Some(head) = self.rest.first_chunk::<HEAD>().copied() {
            let length = u32::from_be_bytes([0, head[5], head[6], head[7]]) as usize;
            if length > LARGEST {
                return Err(Broken);
            }
            if self.rest.len() < HEAD + length {
                break;
            }
            let content: Vec<u8> = self.rest.drain(..HEAD + length).skip(HEAD).collect();
            found.extend(self.frame(head, content)?);
        }
        Ok(found)
    }

    fn frame(&mut self, head: [u8; HEAD], content: Vec<u8>) -> Result<Option<Frame>, Broken> {
        let last = head[4] & FIN != 0;
        let first = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        if head[0] & 0x80 == 0 {
            return Ok(Some(Frame::Data { stream: first, bytes: content, last }));
        }
        let word = content.first_chunk::<4>().copied();
        let stream = || word.map(|w| u32::from_be_bytes(w) & 0x7FFF_FFFF).ok_or(Broken);
        Ok(match first as u16 {
            SYN_STREAM => {
                let packed = content.get(10..).ok_or(Broken)?;
                let headers = self.unpack(packed).as_deref().and_then(pairs).ok_or(Broken)?;
                Some(Frame::Open { stream: stream()?, headers })
            }
            RST_STREAM => Some(Frame::Reset(stream()?)),
            PING => Some(Frame::Ping(word.ok_or(Broken)?)),
            GOAWAY => Some(Frame::Away),
            // Settings and windows: nothing here is large enough to need them.
            _ => None,
        })
    }

    /// Headers are one zlib stream from the first frame to the last.
    fn unpack(&mut self, packed: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(4096);
        let mut rest = packed;
        while out.len() < LARGEST {
            let before = self.headers.total_in();
            let result = self.headers.decompress_vec(rest, &mut out, FlushDecompress::Sync);
            let taken = usize::try_from(self.headers.total_in() - before).ok()?;
            rest = &rest[taken..];
            match result {
                Err(error) => {
                    error.needs_dictionary()?;
                    self.headers.set_dictionary(&dictionary()).ok()?;
                }
                Ok(_) if out.len() == out.capacity() => out.reserve(4096),
                Ok(_) if rest.is_empty() => return Some(out),
                Ok(_) if taken == 0 => return None,
                Ok(_) => {}
            }
        }
        None
    }
}

/// Names and values, each with its length before it.
fn pairs(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    fn number(rest: &mut &[u8]) -> Option<usize> {
        let (word, after) = rest.split_first_chunk::<4>()?;
        *rest = after;
        usize::try_from(u32::from_be_bytes(*word)).ok()
    }
    fn text(rest: &mut &[u8]) -> Option<String> {
        let length = number(rest)?;
        let (text, after) = rest.split_at_checked(length)?;
        *rest = after;
        String::from_utf8(text.to_vec()).ok()
    }
    let mut rest = bytes;
    let count = number(&mut rest)?;
    (0..count).map(|_| Some((text(&mut rest)?, text(&mut rest)?))).collect()
}

/// Writes frames.
#[derive(Default)]
pub(super) struct Writer {
    replied: bool,
}

impl Writer {
    /// The stream is taken. Its headers, none, are one more piece of a zlib stream that packs nothing.
    pub(super) fn accept(&mut self, stream: u32) -> Vec<u8> {
        let mut content = stream.to_be_bytes().to_vec();
        if !std::mem::replace(&mut self.replied, true) {
            content.extend([0x78, 0x01]);
        }
        // The empty block flushes: readers give out nothing before it.
        for block in [&0_u32.to_be_bytes()[..], &[]] {
            let length = block.len() as u16;
            content.push(0);
            content.extend(length.to_le_bytes());
            content.extend((!length).to_le_bytes());
            content.extend(block);
        }
        control(SYN_REPLY, &content)
    }
}

/// Content for a stream.
pub(super) fn data(stream: u32, bytes: &[u8], last: bool) -> Vec<u8> {
    let mut frame = (stream & 0x7FFF_FFFF).to_be_bytes().to_vec();
    frame.extend((bytes.len() as u32 | u32::from(if last { FIN } else { 0 }) << 24).to_be_bytes());
    frame.extend_from_slice(bytes);
    frame
}

/// The answer to a ping.
pub(super) fn pong(id: [u8; 4]) -> Vec<u8> {
    control(PING, &id)
}

fn control(kind: u16, content: &[u8]) -> Vec<u8> {
    let mut frame = CONTROL.to_be_bytes().to_vec();
    frame.extend(kind.to_be_bytes());
    frame.extend((content.len() as u32).to_be_bytes());
    frame.extend_from_slice(content);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    fn opening(packer: &mut Compress, stream: u32, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut plain = (headers.len() as u32).to_be_bytes().to_vec();
        for text in headers.iter().flat_map(|(name, value)| [name, value]) {
            plain.extend((text.len() as u32).to_be_bytes());
            plain.extend(text.as_bytes());
        }
        let mut packed = Vec::with_capacity(4096);
        packer.compress_vec(&plain, &mut packed, FlushCompress::Sync).unwrap();
        let content = [&stream.to_be_bytes()[..], &[0; 6], &packed].concat();
        control(SYN_STREAM, &content)
    }

    #[test]
    fn frames_are_read_however_the_bytes_come() {
        let mut packer = Compress::new(Compression::default(), true);
        packer.set_dictionary(&dictionary()).unwrap();
        let headers = [("streamtype", "error"), ("port", "8080")];
        let bytes = [
            opening(&mut packer, 1, &headers),
            opening(&mut packer, 3, &[("streamtype", "data")]),
            data(3, b"GET /", false),
            data(3, b"", true),
            pong([0, 0, 0, 7]),
            control(RST_STREAM, &[0, 0, 0, 3, 0, 0, 0, 5]),
        ]
        .concat();
        let text = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        let expected = [
            Frame::Open { stream: 1, headers: text(&headers) },
            Frame::Open { stream: 3, headers: text(&[("streamtype", "data")]) },
            Frame::Data { stream: 3, bytes: b"GET /".to_vec(), last: false },
            Frame::Data { stream: 3, bytes: Vec::new(), last: true },
            Frame::Ping([0, 0, 0, 7]),
            Frame::Reset(3),
        ];
        assert_eq!(Reader::new().take(&bytes).unwrap(), expected);
        let mut slow = Reader::new();
        let found: Vec<Frame> = bytes.iter().flat_map(|byte| slow.take(&[*byte]).unwrap()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_frame_is_told() {
        assert_eq!(Reader::new().take(&[0, 0, 0, 1, 0, 0xFF, 0xFF, 0xFF]), Err(Broken));
        assert_eq!(Reader::new().take(&control(SYN_STREAM, &[0; 14])), Err(Broken));
        assert_eq!(Reader::new().take(&control(PING, &[0; 2])), Err(Broken));
    }

    #[test]
    fn replies_unpack_as_one_stream() {
        let (mut writer, mut unpacker) = (Writer::default(), Reader::new());
        for stream in [1, 3] {
            let frame = writer.accept(stream);
            assert_eq!(unpacker.unpack(&frame[HEAD + 4..]).unwrap(), [0; 4]);
        }
    }
}
