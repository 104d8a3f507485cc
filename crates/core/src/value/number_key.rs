//! The stored form of a number: base-100 bytes that sort by memcmp, and one byte of them per two digits
//! is also the size DynamoDB charges.
use super::number::{
    Digits, MAX_DIGITS, MAX_MAGNITUDE, Number, digit_count, signed, write_decimal,
};
use crate::{ApiError, Result};

/// Longest stored form: sign, exponent, 20 digit pairs, terminator of a negative number.
pub const MAX_KEY_LEN: usize = 23;

const SIGN_NEGATIVE: u8 = 0;
const SIGN_ZERO: u8 = 1;
const SIGN_POSITIVE: u8 = 2;
/// Added to the base-100 exponent (-65 ..= 62), so that it is 0 ..= 127.
const EXPONENT_BIAS: i64 = 65;
/// 38 digits of which the first stands alone in its pair.
const MAX_PAIRS: usize = 20;
const MAX_EXPONENT_BYTE: u8 = (MAX_MAGNITUDE.div_euclid(2) + EXPONENT_BIAS) as u8;
/// Ends a negative number: greater than every complemented pair, so that -1.2 sorts before -1.
const TERMINATOR: u8 = 0xFF;

impl Number {
    /// Appends the order-preserving bytes (memcmp order = numeric order), canonical, at most
    /// [`MAX_KEY_LEN`]: sign byte (0 negative, 1 zero, 2 positive), exponent byte, base-100 digit
    /// pairs each plus one; for a negative number exponent and pairs are complemented and 0xFF ends it.
    pub fn write_key(self, out: &mut Vec<u8>) {
        if self.is_zero() {
            out.push(SIGN_ZERO);
            return;
        }
        let magnitude = self.magnitude();
        let flip = if self.is_negative() { 0xFF } else { 0 };
        let exponent = (magnitude.div_euclid(2) + EXPONENT_BIAS) as u8;
        let mut key = [0; MAX_KEY_LEN];
        key[0] = if self.is_negative() {
            SIGN_NEGATIVE
        } else {
            SIGN_POSITIVE
        };
        key[1] = exponent ^ flip;
        let mut len = 2;
        let digits = Digits::of(self.coefficient.unsigned_abs());
        // An even power of ten leaves the first digit alone in its pair.
        let (first, rest) = digits
            .as_slice()
            .split_at(usize::from(magnitude.rem_euclid(2) == 0));
        let pairs = rest
            .chunks(2)
            .map(|pair| pair[0] * 10 + pair.get(1).copied().unwrap_or(0));
        for pair in first.iter().copied().chain(pairs) {
            key[len] = (pair + 1) ^ flip;
            len += 1;
        }
        if self.is_negative() {
            key[len] = TERMINATOR;
            len += 1;
        }
        out.extend_from_slice(&key[..len]);
    }

    /// Reads what [`Number::write_key`] wrote. Err(corrupt) for any other bytes, non-canonical ones
    /// included.
    pub fn from_key(key: &[u8]) -> Result<Number> {
        decode_key(key).ok_or_else(|| ApiError::corrupt("number"))
    }
}

/// Sign, power of ten of the first pair's last digit, and pairs of a number that is not zero.
fn split_key(key: &[u8]) -> Option<(bool, i64, &[u8])> {
    let (negative, exponent, pairs) = match key {
        [SIGN_POSITIVE, exponent, pairs @ ..] => (false, *exponent, pairs),
        [SIGN_NEGATIVE, exponent, pairs @ .., TERMINATOR] => (true, !*exponent, pairs),
        _ => return None,
    };
    let exponent = (exponent <= MAX_EXPONENT_BYTE).then_some(i64::from(exponent))?;
    (pairs.len() <= MAX_PAIRS).then_some((negative, (exponent - EXPONENT_BIAS) * 2, pairs))
}

/// The two digits in a byte; more than 99 when it has none.
fn pair_of(byte: u8, negative: bool) -> Option<u8> {
    (if negative { !byte } else { byte }).checked_sub(1)
}

fn decode_key(key: &[u8]) -> Option<Number> {
    if *key == [SIGN_ZERO] {
        return Some(Number::ZERO);
    }
    let (negative, first_exponent, pairs) = split_key(key)?;
    let mut coefficient = 0u128;
    let mut last = 0;
    for (i, &byte) in pairs.iter().enumerate() {
        let pair = pair_of(byte, negative)?;
        if pair > 99 || (i == 0 && pair == 0) {
            return None;
        }
        // The last pair is added below: it may hold only one digit, which must not become a
        // trailing zero of the coefficient.
        if i + 1 < pairs.len() {
            coefficient = coefficient * 100 + u128::from(pair);
        }
        last = pair;
    }
    if last == 0 {
        return None;
    }
    let mut lowest = first_exponent - 2 * (pairs.len() as i64 - 1);
    if last % 10 == 0 {
        coefficient = coefficient
            .checked_mul(10)?
            .checked_add(u128::from(last / 10))?;
        lowest += 1;
    } else {
        coefficient = coefficient
            .checked_mul(100)?
            .checked_add(u128::from(last))?;
    }
    if digit_count(coefficient) > MAX_DIGITS {
        return None;
    }
    Some(Number {
        coefficient: signed(coefficient, negative),
        exponent: lowest as i16,
    })
}

/// Appends a number's text straight from its stored bytes. Err(corrupt) as [`Number::from_key`].
pub fn write_key_as_text(key: &[u8], out: &mut String) -> Result<()> {
    if *key == [SIGN_ZERO] {
        out.push('0');
        return Ok(());
    }
    let written = split_key(key).and_then(|(negative, exponent, pairs)| {
        let mut digits = [0; 2 * MAX_PAIRS];
        for (place, &byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
            let pair = pair_of(byte, negative).filter(|pair| *pair <= 99)?;
            *place = [b'0' + pair / 10, b'0' + pair % 10];
        }
        // A zero in front, or at the end, is half of a pair; a whole pair of zeros never stands there.
        let digits = digits.get(..2 * pairs.len())?;
        let leading = usize::from(*digits.first()? == b'0');
        let trailing = usize::from(*digits.last()? == b'0');
        let digits = digits.get(leading..digits.len() - trailing)?;
        let (first, last) = (digits.first()?, digits.last()?);
        if *first == b'0' || *last == b'0' || digits.len() > MAX_DIGITS as usize {
            return None;
        }
        let magnitude = exponent + 1 - leading as i64;
        write_decimal(negative, digits, magnitude, out);
        Some(())
    });
    written.ok_or_else(|| ApiError::corrupt("number"))
}
