//! Conditions: what they answer, what they refuse, and which of several faults is reported.

use crate::support::{compile, item};

const SAMPLE: &str = r##"{
    "pk":{"S":"p"}, "n":{"N":"5"}, "s":{"S":"hello"}, "b":{"B":"aGkgdGhlcmU="}, "t":{"BOOL":true}, "z":{"NULL":true},
    "l":{"L":[{"N":"2"},{"S":"dog"},{"L":[{"N":"7"}]},{"SS":["x","y"]}]},
    "m":{"M":{"x":{"N":"1"},"y":{"L":[{"N":"-1"},{"N":"2"},{"N":"0"}]}}},
    "ss":{"SS":["cat","dog"]}, "ns":{"NS":["2","4","7"]}, "bs":{"BS":["aGk=","eW8="]},
    "wide":{"S":"é𝄞"}, "and":{"N":"9"}, "five":{"N":"5.0"}
}"##;
const VALUES: &str = r##"{
    "#and":"and", "#m":"m", "#y":"y", "#n":"n",
    ":0":{"N":"0"}, ":1":{"N":"1"}, ":2":{"N":"2"}, ":3":{"N":"3"}, ":4":{"N":"4"}, ":5":{"N":"5"}, ":8":{"N":"8"}, ":9":{"N":"9"},
    ":50":{"N":"50e-1"}, ":s":{"S":"hello"}, ":hel":{"S":"hel"}, ":ell":{"S":"ell"}, ":zz":{"S":"zz"}, ":s5":{"S":"5"},
    ":B":{"B":"aGk="}, ":here":{"B":"aGVyZQ=="}, ":dog":{"S":"dog"}, ":true":{"BOOL":true}, ":null":{"NULL":true},
    ":l7":{"L":[{"N":"7"}]}, ":xy":{"SS":["y","x"]}, ":catdog":{"SS":["dog","cat"]},
    ":tS":{"S":"S"}, ":tN":{"S":"N"}, ":tM":{"S":"M"}, ":tL":{"S":"L"}, ":tSS":{"S":"SS"}, ":tNULL":{"S":"NULL"}, ":tBOOL":{"S":"BOOL"},
    ":map":{"M":{"y":{"L":[{"N":"-1"},{"N":"2.0"},{"N":"0"}]},"x":{"N":"1"}}}
}"##;

#[test]
fn conditions_answer_as_the_service_does() {
    let cases = [
        ("n = :5", true),
        ("n = :50", true),
        ("n = five", true),
        ("n = :s5", false),
        ("n <> :s5", true),
        ("n <> :5", false),
        ("n < :8", true),
        (":8 > n", true),
        ("n <= :5 AND n >= :5", true),
        ("n > :5", false),
        ("n < :s", false),
        ("s < :zz", true),
        ("b > :B", true),
        ("t = :true", true),
        ("z = :null", true),
        ("ss = :catdog", true),
        ("m = :map", true),
        ("l[2] = :l7", true),
        ("l[3] = :xy", true),
        ("#m.#y[1] = :2", true),
        ("m.y[1] > m.y[0]", true),
        ("m.y[9] = :2", false),
        ("m[0] = :2", false),
        ("l.x = :2", false),
        ("(m).y[1] = :2", true),
        ("((m).y)[1] = :2", true),
        (":2 = ((m).y)[1]", true),
        ("#and = :9", true),
        // missing attributes
        ("q = :5", false),
        ("q <> :5", true),
        ("q < :5", false),
        ("q = w", false),
        ("q <> w", true),
        ("q between w and n", false),
        ("q IN (:5, w)", false),
        ("NOT q = :5", true),
        ("begins_with(q, :hel)", false),
        ("contains(q, :hel)", false),
        ("size(q) = :0", false),
        ("size(q) <> :0", true),
        ("attribute_type(q, :tS)", false),
        // BETWEEN and IN
        ("n BETWEEN :4 AND :5", true),
        ("n between :5 and :8", true),
        ("n BETWEEN :0 AND :4", false),
        ("n BETWEEN :0 AND :4 OR n = :5", true),
        ("(n) between (:4) and (:5)", true),
        ("m.y[1] BETWEEN m.x AND n AND n = :5", true),
        ("n IN (:1, :5)", true),
        ("n in (:1, :s)", false),
        ("(n) in ((:5))", true),
        // functions
        ("attribute_exists(m.x)", true),
        ("attribute_exists (m.q)", false),
        ("attribute_not_exists(m.q)", true),
        ("attribute_not_exists(n)", false),
        ("attribute_type(n, :tN)", true),
        ("attribute_type(:5, :tN)", true),
        (
            "attribute_type(m, :tM) and attribute_type(l, :tL) and attribute_type(ss, :tSS)",
            true,
        ),
        (
            "attribute_type(z, :tNULL) and attribute_type(t, :tBOOL)",
            true,
        ),
        ("attribute_type(s, :tN)", false),
        ("begins_with(s, :hel)", true),
        ("begins_with(b, :B)", true),
        ("begins_with(:s, s)", true),
        ("begins_with(n, :hel)", false),
        ("begins_with(b, :hel)", false),
        ("contains(s, :ell)", true),
        ("contains(s, :zz)", false),
        ("contains(b, :here)", true),
        ("contains(ss, :dog)", true),
        ("contains(ss, :ell)", false),
        ("contains(ns, :4)", true),
        ("contains(ns, :5)", false),
        ("contains(bs, :B)", true),
        ("contains(l, :dog)", true),
        ("contains(l, :l7)", true),
        ("contains(l, :xy)", true),
        ("contains(l, :9)", false),
        ("contains(m, :dog)", false),
        ("contains(s, :5)", false),
        ("size(s) = :5", true),
        ("size(wide) = :3", true),
        ("size(b) = :8", true),
        ("size(ss) = :2 and size(ns) = :3 and size(bs) = :2", true),
        ("size(l) = :4 and size(m) = :2", true),
        ("size(n) = :1", false),
        ("size(s) = n", true),
        ("n = size(s)", true),
        ("( ( ( size ( s )) < :9 ) AND ( n > :4 ) )", true),
        ("size(s) = :s", false),
        ("contains(l, size(ss))", true),
        // AND, OR, NOT
        ("n = :5 AND s = :zz", false),
        ("n = :5 OR s = :zz", true),
        ("n = :5 OR s = :zz AND n = :1", true),
        ("(n = :5 OR s = :zz) AND n = :1", false),
        ("NOT n = :5 AND n = :1", false),
        ("NOT (n = :5 AND n = :1)", true),
        ("not not NOT nOt n = :5", true),
        ("NOT NOT NOT n = :5", false),
        ("n=:5 aNd s=:s oR n=:1", true),
        ("((n = :5) AND (NOT (s = :zz)))", true),
        (
            "(n = :1 OR n = :5) AND (s = :s AND (n = :1 OR t = :true))",
            true,
        ),
        ("n = :1 or (n = :2 or (n = :3 or (n = :5)))", true),
    ];
    let stored = item(SAMPLE);
    for (text, expected) in cases {
        let answer = compile(text, VALUES)
            .unwrap_or_else(|e| panic!("{text}: {e}"))
            .eval(Some(stored.as_item()))
            .unwrap();
        assert_eq!(answer, expected, "{text}");
    }
}

#[test]
fn a_condition_on_no_item() {
    let cases = [
        ("attribute_not_exists(pk)", true),
        ("attribute_exists(pk)", false),
        ("n > :0", false),
        ("n <> :0", true),
        ("NOT n = :0", true),
        (":1 < :2", true),
        ("attribute_exists(pk) AND n = :5", false),
    ];
    for (text, expected) in cases {
        assert_eq!(
            compile(text, VALUES).unwrap().eval(None).unwrap(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn the_attributes_a_condition_reads() {
    let condition = compile(
        "#m.#y[0] > :1 AND (size(s) IN (n, :2) OR attribute_exists(q.r))",
        VALUES,
    )
    .unwrap();
    assert_eq!(
        condition.attributes().into_iter().collect::<Vec<_>>(),
        ["m", "n", "q", "s"]
    );
    assert_eq!(
        condition
            .nested_attributes()
            .into_iter()
            .collect::<Vec<_>>(),
        ["m", "q"]
    );
}
