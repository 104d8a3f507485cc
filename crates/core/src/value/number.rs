//! DynamoDB numbers: 38 significant digits, magnitude 1E-130 .. 9.99…E+125, exact.
//!
//! A [`Number`] is `coefficient × 10^exponent` with no trailing zero in the coefficient, so equal
//! numbers are equal structures. Its stored form ([`Number::write_key`]) is base 100 and sorts by
//! memcmp, which is also why one byte of it per two digits is the size DynamoDB charges.
pub use super::number_key::{MAX_KEY_LEN, write_key_as_text};
use crate::{ApiError, Result};
use std::cmp::Ordering;
use std::fmt;

/// Significant digits a number may have.
pub const MAX_DIGITS: u32 = 38;
/// Largest power of ten of the leading digit (9.99…E+125).
pub(super) const MAX_MAGNITUDE: i64 = 125;
/// Smallest power of ten of the leading digit (1E-130).
const MIN_MAGNITUDE: i64 = -130;
/// Canonical: equal numbers are equal values; `Ord` is numeric order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    /// At most 38 digits, the last one not zero; 0 for zero.
    pub(super) coefficient: i128,
    /// -167 ..= 125; 0 for zero.
    pub(super) exponent: i16,
}

fn overflow() -> ApiError {
    ApiError::validation(
        "Number overflow. Attempting to store a number with magnitude larger than supported range",
    )
}

fn underflow() -> ApiError {
    ApiError::validation(
        "Number underflow. Attempting to store a number with magnitude smaller than supported range",
    )
}

fn too_many_digits() -> ApiError {
    ApiError::validation("Attempting to store more than 38 significant digits in a Number")
}

fn not_numeric(text: &str) -> ApiError {
    if text.is_empty() {
        ApiError::validation("The parameter cannot be converted to a numeric value")
    } else {
        ApiError::validation(format!(
            "The parameter cannot be converted to a numeric value: {text}"
        ))
    }
}

/// Digits of a coefficient; 0 for zero.
pub(super) fn digit_count(coefficient: u128) -> u32 {
    match u64::try_from(coefficient) {
        Ok(0) => 0,
        Ok(small) => small.ilog10() + 1,
        Err(_) => coefficient.ilog10() + 1,
    }
}

/// Removes trailing zeros in a handful of divisions; returns how many.
fn strip_trailing_zeros(coefficient: &mut u128) -> i64 {
    let mut stripped = 0;
    for power in [32, 16, 8, 4, 2, 1] {
        let unit = 10u128.pow(power);
        if *coefficient >= unit && coefficient.is_multiple_of(unit) {
            *coefficient /= unit;
            stripped += i64::from(power);
        }
    }
    stripped
}

/// Decimal digits (values, not characters) of a coefficient, most significant first.
pub(super) struct Digits {
    buffer: [u8; 40],
    start: usize,
}

impl Digits {
    pub(super) fn of(coefficient: u128) -> Digits {
        const HALF: u128 = 10u128.pow(19);
        let mut digits = Digits {
            buffer: [0; 40],
            start: 40,
        };
        // Two 64-bit halves: 128-bit division is the only slow step here.
        let high = (coefficient / HALF) as u64;
        digits.push_front((coefficient % HALF) as u64);
        if high != 0 {
            digits.start = 21;
            digits.push_front(high);
        }
        digits
    }

    fn push_front(&mut self, mut n: u64) {
        while n != 0 {
            self.start -= 1;
            self.buffer[self.start] = (n % 10) as u8;
            n /= 10;
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

/// A number's text, read once from left to right.
#[derive(Default)]
struct Scan {
    coefficient: u128,
    /// Significant digits in `coefficient`.
    digits: u32,
    /// Zeros seen since the last non-zero digit, not yet in `coefficient`.
    zeros: i64,
    /// A non-zero digit lies beyond the 38th.
    too_long: bool,
    /// Digits after the point.
    fraction: i64,
    any_digit: bool,
    /// Digits read from the first significant one on, the point ignored.
    from_first: i64,
}

impl Scan {
    fn digit(&mut self, digit: u8, after_point: bool) {
        self.any_digit = true;
        self.fraction += i64::from(after_point);
        if self.from_first > 0 || digit != 0 {
            self.from_first += 1;
        }
        if digit == 0 {
            self.zeros += i64::from(self.from_first > 0);
            return;
        }
        let digits = i64::from(self.digits) + self.zeros + 1;
        if self.too_long || digits > i64::from(MAX_DIGITS) {
            self.too_long = true;
        } else {
            self.coefficient =
                self.coefficient * 10u128.pow(self.zeros as u32 + 1) + u128::from(digit);
            self.digits = digits as u32;
        }
        self.zeros = 0;
    }
}

impl Number {
    pub const ZERO: Number = Number {
        coefficient: 0,
        exponent: 0,
    };

    /// Optional sign, digits with an optional point, optional exponent: what Java's BigDecimal reads.
    /// No spaces, no NaN, no Infinity. O(length) whatever the exponent.
    ///
    /// Errors are DynamoDB's: "The parameter cannot be converted to a numeric value: x",
    /// "Number overflow. …", "Number underflow. …", "Attempting to store more than 38 significant
    /// digits in a Number", the range before the precision.
    pub fn parse(text: &str) -> Result<Number> {
        let bytes = text.as_bytes();
        let (negative, mut at) = match bytes.first() {
            Some(b'-') => (true, 1),
            Some(b'+') => (false, 1),
            _ => (false, 0),
        };
        let mut scan = Scan::default();
        let mut after_point = false;
        let mut exponent = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'0'..=b'9' => scan.digit(byte - b'0', after_point),
                b'.' if !after_point => after_point = true,
                b'e' | b'E' => {
                    exponent = parse_exponent(&bytes[at..]).ok_or_else(|| not_numeric(text))?;
                    break;
                }
                _ => return Err(not_numeric(text)),
            }
        }
        if !scan.any_digit {
            return Err(not_numeric(text));
        }
        if scan.coefficient == 0 {
            return Ok(Number::ZERO);
        }
        // Power of ten of the first significant digit.
        let magnitude = exponent + scan.from_first - 1 - scan.fraction;
        check_magnitude(magnitude)?;
        if scan.too_long {
            return Err(too_many_digits());
        }
        Ok(Number {
            coefficient: signed(scan.coefficient, negative),
            exponent: (magnitude + 1 - i64::from(scan.digits)) as i16,
        })
    }

    pub fn from_u64(n: u64) -> Number {
        let mut coefficient = u128::from(n);
        let exponent = strip_trailing_zeros(&mut coefficient) as i16;
        Number {
            coefficient: coefficient as i128,
            exponent,
        }
    }

    pub fn is_zero(self) -> bool {
        self.coefficient == 0
    }

    /// Exact sum. Err when it leaves the range or needs more than 38 digits; DynamoDB says "Number
    /// overflow" for both (1E50 + 1 too). Immediate however far the exponents are apart.
    #[allow(clippy::should_implement_trait)] // the operator cannot fail
    pub fn add(self, other: Number) -> Result<Number> {
        if self.is_zero() {
            return Ok(other);
        }
        if other.is_zero() {
            return Ok(self);
        }
        let (high, low) = if self.exponent >= other.exponent {
            (self, other)
        } else {
            (other, self)
        };
        let shift = (high.exponent - low.exponent) as u32;
        // A sum ends in low's last digit, so a scaled operand beyond u128 (over 3E38) cannot be
        // brought back under 38 digits by an operand that has at most 38.
        let scaled = 10u128
            .checked_pow(shift)
            .and_then(|unit| high.coefficient.unsigned_abs().checked_mul(unit))
            .ok_or_else(overflow)?;
        let operand = low.coefficient.unsigned_abs();
        let (sum, negative) = if high.is_negative() == low.is_negative() {
            let sum = scaled.checked_add(operand).ok_or_else(overflow)?;
            (sum, high.is_negative())
        } else if scaled >= operand {
            (scaled - operand, high.is_negative())
        } else {
            (operand - scaled, low.is_negative())
        };
        Number::normalised(sum, i64::from(low.exponent), negative)
    }

    /// Exact difference; errors as [`Number::add`].
    #[allow(clippy::should_implement_trait)] // the operator cannot fail
    pub fn sub(self, other: Number) -> Result<Number> {
        self.add(other.negated())
    }

    pub fn negated(self) -> Number {
        Number {
            coefficient: -self.coefficient,
            exponent: self.exponent,
        }
    }

    fn normalised(mut coefficient: u128, exponent: i64, negative: bool) -> Result<Number> {
        if coefficient == 0 {
            return Ok(Number::ZERO);
        }
        let exponent = exponent + strip_trailing_zeros(&mut coefficient);
        let digits = digit_count(coefficient);
        check_magnitude(exponent + i64::from(digits) - 1)?;
        if digits > MAX_DIGITS {
            return Err(overflow());
        }
        Ok(Number {
            coefficient: signed(coefficient, negative),
            exponent: exponent as i16,
        })
    }

    pub(super) fn is_negative(self) -> bool {
        self.coefficient < 0
    }

    /// Power of ten of the leading digit. Not for zero.
    pub(super) fn magnitude(self) -> i64 {
        i64::from(self.exponent) + i64::from(digit_count(self.coefficient.unsigned_abs())) - 1
    }

    /// Appends the text DynamoDB prints: plain decimal notation, no exponent, no trailing zeros.
    pub fn write_text(self, out: &mut String) {
        if self.is_zero() {
            out.push('0');
            return;
        }
        let mut text = [0; 40];
        let digits = Digits::of(self.coefficient.unsigned_abs());
        let digits = digits.as_slice();
        for (character, digit) in text.iter_mut().zip(digits) {
            *character = b'0' + digit;
        }
        let text = &text[..digits.len()];
        write_decimal(self.is_negative(), text, self.magnitude(), out);
    }
}

/// Appends digits (characters), the first of which counts 10^magnitude, in plain decimal notation.
pub(super) fn write_decimal(negative: bool, digits: &[u8], magnitude: i64, out: &mut String) {
    // Digits are text.
    let digits = std::str::from_utf8(digits).unwrap_or_default();
    let zeros = |count: usize, out: &mut String| out.extend(std::iter::repeat_n('0', count));
    if negative {
        out.push('-');
    }
    let point = magnitude + 1;
    if point <= 0 {
        out.push_str("0.");
        zeros(point.unsigned_abs() as usize, out);
        out.push_str(digits);
    } else if point as usize >= digits.len() {
        out.push_str(digits);
        zeros(point as usize - digits.len(), out);
    } else {
        out.push_str(&digits[..point as usize]);
        out.push('.');
        out.push_str(&digits[point as usize..]);
    }
}

pub(super) fn signed(coefficient: u128, negative: bool) -> i128 {
    // At most 38 digits: below i128::MAX.
    let magnitude = coefficient as i128;
    if negative { -magnitude } else { magnitude }
}

fn check_magnitude(magnitude: i64) -> Result<()> {
    if magnitude > MAX_MAGNITUDE {
        Err(overflow())
    } else if magnitude < MIN_MAGNITUDE {
        Err(underflow())
    } else {
        Ok(())
    }
}

/// Sign and digits, at least one. Saturates far outside the range: 1E99999999999999999999 is an
/// overflow like any other.
fn parse_exponent(bytes: &[u8]) -> Option<i64> {
    const FAR: i64 = 1 << 60;
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        if value < FAR / 10 {
            value = value * 10 + i64::from(byte - b'0');
        } else {
            value = FAR;
        }
    }
    Some(if negative { -value } else { value })
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let signs = self.coefficient.signum().cmp(&other.coefficient.signum());
        if signs != Ordering::Equal || self.is_zero() {
            return signs;
        }
        let by_magnitude = self.magnitude().cmp(&other.magnitude()).then_with(|| {
            // Same leading power: scaling the shorter one up keeps it within 38 digits.
            let (a, b) = (
                self.coefficient.unsigned_abs(),
                other.coefficient.unsigned_abs(),
            );
            let shift = i32::from(self.exponent) - i32::from(other.exponent);
            let unit = 10u128.pow(shift.unsigned_abs());
            if shift >= 0 {
                (a * unit).cmp(&b)
            } else {
                a.cmp(&(b * unit))
            }
        });
        if self.is_negative() {
            by_magnitude.reverse()
        } else {
            by_magnitude
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(40);
        self.write_text(&mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
