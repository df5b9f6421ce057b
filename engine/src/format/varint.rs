//! Unsigned numbers in as few bytes as they need: LEB128, seven bits a byte, low bits first.
//!
//! 1. Every number has exactly one encoding. Longer ones are refused, so that equal records have equal bytes.
//! 2. An encoding is 1 to [`MAX_VARINT_BYTES`] long.

use super::wire::{Reader, WireError};

/// The longest encoding, that of [`u64::MAX`].
pub const MAX_VARINT_BYTES: usize = 10;

/// Appends the encoding of `value`.
#[inline]
pub fn encode_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Puts the encoding of `value` over `place`, which is as long.
#[inline]
pub fn overwrite_varint(mut value: u64, place: &mut [u8]) {
    let last = place.len() - 1;
    for byte in &mut place[..last] {
        *byte = (value & 0x7f) as u8 | 0x80;
        value >>= 7;
    }
    assert!(value < 0x80, "an encoding as long as its place");
    place[last] = (value & 0x7f) as u8;
}

/// Length of the encoding of `value`.
#[inline]
pub fn varint_bytes(value: u64) -> usize {
    let bits = u64::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Reads one number.
///
/// # Errors
/// If the bytes end inside it, it is longer than need be, or it does not fit 64 bits.
#[inline]
pub fn decode_varint(from: &mut Reader<'_>) -> Result<u64, WireError> {
    let mut value = 0;
    for index in 0..MAX_VARINT_BYTES {
        let byte = from.u8()?;
        let bits = u64::from(byte & 0x7f);
        if index == MAX_VARINT_BYTES - 1 && bits > 1 {
            return Err(WireError("a number does not fit 64 bits"));
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            if byte == 0 && index > 0 {
                return Err(WireError("a number is longer than need be"));
            }
            return Ok(value);
        }
    }
    Err(WireError("a number does not fit 64 bits"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges_round_trip() {
        for shift in 0..64 {
            for value in [(1 << shift) - 1, 1 << shift, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                encode_varint(value, &mut bytes);
                assert_eq!(bytes.len(), varint_bytes(value), "length of {value}");
                let mut reader = Reader::new(&bytes);
                assert_eq!(decode_varint(&mut reader), Ok(value));
                assert_eq!(reader.remaining(), 0);
            }
        }
    }

    #[test]
    fn overlong_overflowing_and_cut_numbers_are_refused() {
        for bad in [&[][..], &[0x80], &[0x80, 0x00], &[0xff, 0x80, 0x00]] {
            assert!(decode_varint(&mut Reader::new(bad)).is_err(), "{bad:x?}");
        }
        let mut overflow = [0xff; 10];
        overflow[9] = 0x02;
        assert!(decode_varint(&mut Reader::new(&overflow)).is_err());
        assert!(decode_varint(&mut Reader::new(&[0xff; 11])).is_err());
    }

    proptest! {
        #[test]
        fn what_decodes_is_what_was_encoded(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = decode_varint(&mut reader) {
                let mut again = Vec::new();
                encode_varint(value, &mut again);
                prop_assert_eq!(&bytes[..bytes.len() - reader.remaining()], &again[..]);
            }
        }
    }
}
