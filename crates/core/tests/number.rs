//! Numbers against arbitrary-precision decimals.
use bigdecimal::{BigDecimal, RoundingMode, Zero, num_bigint::BigInt};
use pg_dynamo_core::value::Number;
use pg_dynamo_core::value::number_key::{MAX_KEY_LEN, write_key_as_text};
use proptest::prelude::*;
use std::str::FromStr;

fn number(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|e| panic!("{text}: {}", e.message))
}

fn refusal(text: &str) -> String {
    match Number::parse(text) {
        Ok(n) => panic!("{text} was read as {n}"),
        Err(e) => e.message,
    }
}

fn key(n: Number) -> Vec<u8> {
    let mut out = Vec::new();
    n.write_key(&mut out);
    out
}

const OVERFLOW: &str =
    "Number overflow. Attempting to store a number with magnitude larger than supported range";
const UNDERFLOW: &str =
    "Number underflow. Attempting to store a number with magnitude smaller than supported range";
const DIGITS: &str = "Attempting to store more than 38 significant digits in a Number";
const MAX: &str = "9.9999999999999999999999999999999999999E+125";

/// (digits, power of ten of the leading digit) of a decimal; None for zero.
fn measure(d: &BigDecimal) -> Option<(u64, i64)> {
    let d = d.normalized();
    let (_, scale) = d.as_bigint_and_exponent();
    (!d.is_zero()).then(|| (d.digits(), d.digits() as i64 - 1 - scale))
}

/// What DynamoDB makes of an exact result: the oracle of range and precision.
fn expected(d: &BigDecimal, too_long: &'static str) -> Result<BigDecimal, &'static str> {
    match measure(d) {
        Some((_, magnitude)) if magnitude > 125 => Err(OVERFLOW),
        Some((_, magnitude)) if magnitude < -130 => Err(UNDERFLOW),
        Some((digits, _)) if digits > 38 => Err(too_long),
        _ => Ok(d.clone()),
    }
}

fn decimal(n: Number) -> BigDecimal {
    BigDecimal::from_str(&n.to_string()).unwrap()
}

/// Numbers inside the range, of all lengths and exponents, many of them close to one another.
fn text() -> impl Strategy<Value = String> {
    let digits = prop_oneof![
        "[0-9]{1,38}",
        "[1-9]0{0,20}[0-9]{1,4}",
        "9{1,38}",
        "[1-9]{1,2}"
    ];
    let exponent = prop_oneof![-3i64..4, -38i64..39, -130i64..126];
    (any::<bool>(), digits, exponent).prop_map(|(negative, digits, exponent)| {
        let sign = if negative { "-" } else { "" };
        let trimmed = digits.trim_start_matches('0');
        let significant = trimmed.len().max(1) as i64;
        // `exponent` is the power of the leading digit: the text is always in range.
        format!("{sign}{digits}E{}", exponent - significant + 1)
    })
}

/// Any decimal text in Java's syntax, in range or not.
fn wild_text() -> impl Strategy<Value = String> {
    let mantissa = prop_oneof![
        "[0-9]{1,45}",
        "[0-9]{1,45}\\.",
        "[0-9]{0,45}\\.[0-9]{1,45}",
        "0{0,60}\\.0{0,60}[1-9]0{0,60}",
    ];
    ("[+-]?", mantissa, prop_oneof!["", "[eE][+-]?[0-9]{1,3}"])
        .prop_map(|(sign, mantissa, exponent)| format!("{sign}{mantissa}{exponent}"))
}

/// The oracle's own parser does not read "1." or "+.5".
fn oracle(text: &str) -> BigDecimal {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().unwrap()),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = BigInt::from_str(&format!("{whole}{fraction}")).unwrap();
    BigDecimal::from_bigint(digits, fraction.len() as i64 - exponent)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_number_is_read_exactly_or_refused_with_its_reason(text in wild_text()) {
        match expected(&oracle(&text), DIGITS) {
            Ok(exact) => {
                let read = number(&text);
                prop_assert_eq!(decimal(read), exact);
                prop_assert_eq!(number(&read.to_string()), read);
            }
            Err(reason) => prop_assert_eq!(refusal(&text), reason),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-+0-9.eE ]{0,12}|.{0,8}") {
        let _ = Number::parse(&text);
    }

    #[test]
    fn printing_is_plain_and_minimal(text in text()) {
        let printed = number(&text).to_string();
        prop_assert_eq!(&printed, &oracle(&text).normalized().to_plain_string());
        prop_assert!(!printed.contains(['e', 'E', '+']));
    }

    #[test]
    fn order_of_numbers_and_of_their_bytes_is_numeric(a in text(), b in text()) {
        let wanted = oracle(&a).cmp(&oracle(&b));
        let (a, b) = (number(&a), number(&b));
        prop_assert_eq!(a.cmp(&b), wanted);
        prop_assert_eq!(key(a).cmp(&key(b)), wanted);
    }

    #[test]
    fn neighbours_keep_their_order(a in text(), last in 1u32..10) {
        // The same number with one more digit, where there is room for it.
        let longer = format!("{}{last}E{}", a.split_once('E').unwrap().0, a.split_once('E').unwrap().1.parse::<i64>().unwrap() - 1);
        if let Ok(b) = Number::parse(&longer) {
            let wanted = oracle(&a).cmp(&oracle(&longer));
            prop_assert_eq!(key(number(&a)).cmp(&key(b)), wanted);
        }
    }

    #[test]
    fn stored_bytes_round_trip(text in text()) {
        let n = number(&text);
        let bytes = key(n);
        prop_assert!(bytes.len() <= MAX_KEY_LEN);
        prop_assert_eq!(Number::from_key(&bytes).unwrap(), n);
        let mut printed = String::new();
        write_key_as_text(&bytes, &mut printed).unwrap();
        prop_assert_eq!(printed, n.to_string());
    }

    #[test]
    fn stored_bytes_are_canonical_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..25)) {
        let mut printed = String::new();
        let written = write_key_as_text(&bytes, &mut printed);
        prop_assert_eq!(written.is_ok(), Number::from_key(&bytes).is_ok());
        if let Ok(n) = Number::from_key(&bytes) {
            prop_assert_eq!(printed, n.to_string());
            prop_assert_eq!(key(n), bytes);
        }
    }

    #[test]
    fn mutated_stored_bytes_are_canonical_or_refused(text in text(), at in 0usize..23, byte in any::<u8>()) {
        let mut bytes = key(number(&text));
        if let Some(slot) = bytes.get_mut(at) {
            *slot = byte;
        } else {
            bytes.push(byte);
        }
        let mut printed = String::new();
        let written = write_key_as_text(&bytes, &mut printed);
        prop_assert_eq!(written.is_ok(), Number::from_key(&bytes).is_ok());
        if let Ok(n) = Number::from_key(&bytes) {
            prop_assert_eq!(printed, n.to_string());
            prop_assert_eq!(key(n), bytes);
        }
    }

    #[test]
    fn sums_and_differences_are_exact_or_refused(a in text(), b in text()) {
        let (x, y) = (oracle(&a), oracle(&b));
        let (a, b) = (number(&a), number(&b));
        for (exact, ours) in [(&x + &y, a.add(b)), (&x - &y, a.sub(b))] {
            match expected(&exact, OVERFLOW) {
                Ok(exact) => prop_assert_eq!(decimal(ours.unwrap()), exact),
                Err(reason) => prop_assert_eq!(ours.unwrap_err().message, reason),
            }
        }
    }

    #[test]
    fn unsigned_integers_are_exact(n in any::<u64>()) {
        prop_assert_eq!(Number::from_u64(n), number(&n.to_string()));
    }

    #[test]
    fn halves_round_down_to_38_digits_stay_in_order(a in text()) {
        // Rounded neighbours at full precision: the hardest case for the digit pairs.
        let d = oracle(&a);
        let third = (&d / BigDecimal::from(3)).with_precision_round(38.try_into().unwrap(), RoundingMode::Down);
        if let Ok(n) = Number::parse(&third.to_scientific_notation()) {
            prop_assert_eq!(decimal(n), third.clone());
            prop_assert_eq!(key(n).cmp(&key(number(&a))), third.cmp(&d));
        }
    }
}

#[test]
fn numbers_print_as_dynamodb_prints_them() {
    for (given, printed) in [
        ("1E3", "1000"),
        ("1.50", "1.5"),
        ("1e-3", "0.001"),
        ("00042", "42"),
        ("-0", "0"),
        ("0e1000", "0"),
        ("0.000e-99999999999999999999", "0"),
        ("+3", "3"),
        (".123", "0.123"),
        ("5.", "5"),
        ("1.5E2", "150"),
        ("-17.4E37", "-174000000000000000000000000000000000000"),
        ("100", "100"),
    ] {
        assert_eq!(number(given).to_string(), printed);
    }
    assert_eq!(
        number("1E+125").to_string(),
        format!("1{}", "0".repeat(125))
    );
    assert_eq!(
        number("1E-130").to_string(),
        format!("0.{}1", "0".repeat(129))
    );
}

#[test]
fn text_that_is_no_number_is_refused_with_the_text() {
    assert_eq!(
        refusal(""),
        "The parameter cannot be converted to a numeric value"
    );
    for text in [
        "b",
        " 1",
        "1 ",
        "NaN",
        "Infinity",
        "-Infinity",
        "0x1",
        "1e",
        "1e+",
        "e5",
        ".",
        "+",
        "-",
        "--1",
        "1.2.3",
        "1_000",
        "1,5",
        "١",
        "1e1.5",
        "\0",
    ] {
        let wanted = format!("The parameter cannot be converted to a numeric value: {text}");
        assert_eq!(refusal(text), wanted);
    }
}

#[test]
fn range_and_precision_end_where_dynamodb_says() {
    for text in [
        MAX,
        "-9.9999999999999999999999999999999999999E+125",
        "1E-130",
        "-1E-130",
    ] {
        assert_eq!(decimal(number(text)), oracle(text));
    }
    for text in [
        "1E126",
        "-1E126",
        "11E125",
        "1.0e100000000",
        "-1e99999999999999999999999",
    ] {
        assert_eq!(refusal(text), OVERFLOW);
    }
    for text in [
        "1E-131",
        "-1e-131",
        "0.9e-130",
        "1e-99999999999999999999999",
    ] {
        assert_eq!(refusal(text), UNDERFLOW);
    }
    for text in [
        "123456789012345678901234567890123456789",
        "-1.23456789012345678901234567890123456789",
        "314159265358979323846264338327950288419e30",
    ] {
        assert_eq!(refusal(text), DIGITS);
    }
}

#[test]
fn a_sum_that_needs_more_digits_or_range_is_refused_at_once() {
    let sum = |a: &str, b: &str| number(a).add(number(b)).map_err(|e| e.message);
    assert_eq!(sum("1E50", "1"), Err(OVERFLOW.to_owned()));
    assert_eq!(sum("1E125", "1E-130"), Err(OVERFLOW.to_owned()));
    assert_eq!(sum("9E125", "9E125"), Err(OVERFLOW.to_owned()));
    assert_eq!(sum(MAX, "1E88"), Err(OVERFLOW.to_owned()));
    assert_eq!(sum("1.5E-130", "-1.4E-130"), Err(UNDERFLOW.to_owned()));
    assert_eq!(sum("1E38", "-1"), Ok(number(&"9".repeat(38))));
    assert_eq!(sum(&"9".repeat(38), "1"), Ok(number("1E38")));
    assert_eq!(sum("0.1", "0.2"), Ok(number("0.3")));
}

#[test]
fn sizes_are_two_digits_a_byte() {
    for (text, size) in [
        ("0", 1),
        ("1", 2),
        ("-1", 3),
        ("12", 2),
        ("1.2", 3),
        ("123", 3),
        ("100", 2),
        ("1E125", 2),
        ("0.001", 2),
        ("1234567890123456789012345678901234567.8", 21),
        (MAX, 20),
        ("9.9999999999999999999999999999999999999E+124", 21),
        ("-9.9999999999999999999999999999999999999E+124", 22),
    ] {
        assert_eq!(number(text).size(), size, "{text}");
    }
}
