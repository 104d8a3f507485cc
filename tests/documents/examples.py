"""Runs the examples of a document and compares what they print with what the document shows.

A fenced block is an example: `sql` goes to psql, `sh` to bash, `python` to Python, each in a process of its own, one after
the other. `conf` are settings of the server that all of them run on; they are read before it starts (--settings) and
compared with what it says. Any other fence is an error, so that no example is forgotten.

What is shown: comment lines right behind a statement of SQL, and comment lines at the end of a block of another language.
Their cells are compared, not their widths; a table without its header means its rows. "…" stands for anything, and a line
of it alone for any lines. A statement that fails must show its error.

--wrong DOCUMENT: each of its examples must fail.
"""

import os
import re
import subprocess
import sys

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.M | re.S)
MARK = "@@end of statement"
# What stands for the server of the examples in the document.
PLACES = {
    "host=db.internal": "host=" + os.environ.get("PGHOST", ""),
    "127.0.0.1:9187": "127.0.0.1:" + os.environ.get("DYNAMO_METRICS_PORT", ""),
}


def blocks(text):
    """(language, first line's number, body) of every fenced block."""
    for found in FENCE.finditer(text):
        yield found[1], text.count("\n", 0, found.start()) + 2, found[2]


def settings(body):
    """(name, value) of each line of a `conf` block that is no comment."""
    for line in body.splitlines():
        line = re.sub(r"\s+#.*", "", line).strip()
        if line and not line.startswith("#"):
            name, value = (part.strip() for part in line.split("=", 1))
            yield name, value.strip("'")


def statements(body):
    """(SQL text, shown lines or None) of each statement. One ends where a line does, with a semicolon or a backslash
    command; text between dollar quotes is part of it, whatever it holds."""
    lines, text, quoted = body.splitlines(), [], False
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        text.append(line)
        quoted ^= line.count("$$") % 2 == 1
        bare = re.sub(r"\s+-- .*", "", line)
        if quoted or not (bare.endswith(";") or bare.startswith("\\") or bare.endswith(r"\gexec")):
            continue
        shown = []
        while at < len(lines) and lines[at].startswith("--"):
            shown.append(lines[at][2:].strip())
            at += 1
        yield "\n".join(text), shown or None
        text = []
    if any(line.strip() and not line.startswith("--") for line in text):
        raise ValueError(f"a statement without an end: {text}")


def cells(line):
    return [cell.strip() for cell in line.split("|")]


def tidy(output):
    """Lines of an answer as the comparison wants them: without row counts, empty lines and psql's own place. Notifications
    that say the same are one: the batch before may be told of as well."""
    lines = []
    for line in output.splitlines():
        line = re.sub(r"^psql:[^ ]*: ", "", line.strip())
        told_twice = line.startswith("Asynchronous notification ") and line in lines
        if line and not told_twice and not re.fullmatch(r"\(\d+ rows?\)", line):
            lines.append(line)
    return lines


def is_rule(line):
    return re.fullmatch(r"[-+]+", line) is not None


def matches(shown, got):
    parts = [re.escape(part) for part in shown.split("…")]
    return re.fullmatch(".*".join(parts), got, re.S) is not None


def same_lines(shown, got):
    """Whether lines that were printed are those that are shown."""
    if not shown:
        return not got
    if shown[0] == "…":
        return any(same_lines(shown[1:], got[at:]) for at in range(len(got) + 1))
    if not got or len(cells(shown[0])) != len(cells(got[0])):
        return False
    pairs = zip(cells(shown[0]), cells(got[0]))
    rule = is_rule(shown[0]) and is_rule(got[0])
    return (rule or all(matches(*pair) for pair in pairs)) and same_lines(shown[1:], got[1:])


def same(shown, output):
    got = tidy(output)
    if same_lines(shown, got):
        return True
    # Rows alone, where a header stands above them.
    return len(got) > 1 and is_rule(got[1]) and same_lines(shown, got[2:])


def process(command, text):
    for there, here in PLACES.items():
        text = text.replace(there, here)
    done = subprocess.run(command, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    return done.returncode, done.stdout


def run_sql(body):
    """Faults of a block, as texts."""
    said, script = list(statements(body)), ["\\set ON_ERROR_STOP on"]
    for text, shown in said:
        fails = bool(shown) and any(line.startswith("ERROR:") for line in shown)
        script.append(f"\\set ON_ERROR_STOP {'off' if fails else 'on'}\n{text}\n\\echo {MARK}")
    code, output = process(["stdbuf", "-oL", "psql", "-X", "-q", "-f", "-"], "\n".join(script) + "\n")
    answers = output.split(MARK + "\n")
    if code or len(answers) != len(said) + 1:
        return [f"psql ended with {code}:\n{output}"]
    return [
        f"{text}\nshown:\n" + "\n".join(shown) + f"\nprinted:\n{answer}"
        for (text, shown), answer in zip(said, answers)
        if shown and not same(shown, answer)
    ]


def run_program(command, body):
    code, output = process(command, body)
    if code:
        return [f"{command[0]} ended with {code}:\n{output}"]
    shown = []
    for line in reversed(body.splitlines()):
        if not line.startswith("#"):
            break
        shown.insert(0, line[1:].strip())
    if shown and not same(shown, output):
        return ["shown:\n" + "\n".join(shown) + f"\nprinted:\n{output}"]
    return []


def run_settings(body):
    faults = []
    for name, value in settings(body):
        code, output = process(["psql", "-X", "-q", "-At"], f"SHOW {name};\n")
        if code or output.strip() != value:
            faults.append(f"{name} = {output.strip()}, not {value}")
    return faults


RUN = {
    "sql": run_sql,
    "sh": lambda body: run_program(["bash", "-euo", "pipefail"], body),
    "python": lambda body: run_program([sys.executable, "-"], body),
    "conf": run_settings,
}


def faults_of(language, body):
    if language not in RUN:
        return ["nobody runs blocks of this language"]
    try:
        return RUN[language](body)
    except subprocess.TimeoutExpired:
        return ["did not end"]
    except ValueError as fault:
        return [str(fault)]


def main(path, wrong):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    passed = failed = 0
    for language, line, body in blocks(text):
        faults = faults_of(language, body)
        if wrong:
            faults = [] if faults else ["it is wrong, and nobody noticed"]
        passed, failed = (passed, failed + 1) if faults else (passed + 1, failed)
        print(f"{'not ok' if faults else 'ok'} - {os.path.basename(path)}:{line} ({language})", flush=True)
        for fault in faults:
            print("    " + fault.replace("\n", "\n    "), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    document = sys.argv[-1]
    if sys.argv[1] == "--settings":
        with open(document, encoding="utf-8") as opened:
            for language, _, body in blocks(opened.read()):
                for setting in settings(body) if language == "conf" else ():
                    print("=".join(setting))
    else:
        sys.exit(main(document, wrong=sys.argv[1] == "--wrong"))
