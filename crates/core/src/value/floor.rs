//! Numbers as whole ones.
use super::number::Number;

impl Number {
    /// The greatest integer that is not above the number; None when an i64 does not hold it.
    pub fn floor(self) -> Option<i64> {
        let power = 10i128.checked_pow(u32::from(self.exponent.unsigned_abs()));
        let whole = match (self.exponent >= 0, power) {
            (true, power) => self.coefficient.checked_mul(power?)?,
            (false, Some(power)) => self.coefficient.div_euclid(power),
            // Far below one, of either sign: a coefficient has 38 digits at most, as many as the largest power.
            (false, None) => -i128::from(self.is_negative()),
        };
        i64::try_from(whole).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Number;

    fn floor(text: &str) -> Option<i64> {
        Number::parse(text).unwrap().floor()
    }

    #[test]
    fn fractions_are_cut_towards_the_smaller_integer() {
        for (text, whole) in [
            ("0", 0),
            ("1700000000", 1_700_000_000),
            ("1700000000.999", 1_700_000_000),
            ("0.5", 0),
            ("-0.5", -1),
            ("-12.5", -13),
            ("-12", -12),
            ("1E-130", 0),
            ("-1E-130", -1),
            ("1.7E9", 1_700_000_000),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(floor(text), Some(whole), "{text}");
        }
    }

    #[test]
    fn what_an_i64_does_not_hold_has_no_floor() {
        for text in [
            "9223372036854775808",
            "-9223372036854775808.1",
            "1E40",
            "9.9E125",
            "-9.9E125",
        ] {
            assert_eq!(floor(text), None, "{text}");
        }
    }
}
