"""Parses T-SQL files batch by batch; called by scripts/parse-tsql."""

import re
import sys

from sqlfluff.core import FluffConfig, Linter

NAME = r"(?:\[(?:[^\]]|\]\])*\]|\w+)"
OBJECT = rf"{NAME}\.{NAME}"

# What the parser does not know, each in the one form in which it may occur here. These are taken out, so that everything around
# them is judged all the same; a typing error in one of them does not match and fails.
UNKNOWN = [
    # A bracket within a name.
    (r"\[(?:[^\]\n]|\]\])*?\]\](?:[^\]\n]|\]\])*\]", "[name]"),
    (rf"ALTER TABLE {OBJECT} SET \(LOCK_ESCALATION = DISABLE\);", "SELECT 1;"),
    (rf"ALTER TABLE {OBJECT} ENABLE CHANGE_TRACKING WITH \(TRACK_COLUMNS_UPDATED = OFF\);", "SELECT 1;"),
    (rf"ALTER TABLE {OBJECT} DISABLE CHANGE_TRACKING;", "SELECT 1;"),
    (
        r"ALTER DATABASE CURRENT SET CHANGE_TRACKING = ON \(CHANGE_RETENTION = \d+ DAYS, AUTO_CLEANUP = ON\);",
        "SELECT 1;",
    ),
    (r"ALTER DATABASE CURRENT SET CHANGE_TRACKING = OFF;", "SELECT 1;"),
    (rf"(?<='), DEFAULT_DATABASE = {NAME}(?=;)", ""),
    (r"KILL \d+;", "SELECT 1;"),
    (rf"(CREATE LOGIN {NAME} FROM WINDOWS|DROP LOGIN {NAME});", "SELECT 1;"),
]

# If the parser lets one of these pass, it judges nothing.
WRONG = [
    "SELECT a FORM t;",
    "SELECT a, FROM t;",
    "EXEC (N'SELECT a, FROM t');",
    "SELECT [a]b] FROM [t];",
    "SELECT a FROM t WHERE (b = 1;",
    "CREATE TABLE t (a int NULL b int NULL);",
    "UPDATE t SET a = 1 WHER b = 2;",
    "CREATE TRIGGER a.b ON a.c AFTER INSERT, UPDATE AS BEGIN SET NOCOUNT ON; INSERT INTO d (e) SELEC f FROM inserted; END;",
    "CREATE TRIGGER a.b ON a.c AFTR INSERT AS BEGIN SET NOCOUNT ON; END;",
    "IF EXISTS (SELECT 1 FROM inserted) AND NOT (UPDATE([a]) OR UPDATE([b]) RETURN;",
]


def batches(text):
    """The batches of a script, each with the number of its first line."""
    lines, first = [], 1
    for number, line in enumerate(text.splitlines() + ["GO"], 1):
        if line.strip().upper() == "GO":
            if any(l.strip() and not l.strip().startswith("--") for l in lines):
                yield first, "\n".join(lines) + "\n"
            lines, first = [], number + 1
        else:
            lines.append(line)


def errors(linter, text):
    """What the parser does not understand: line within the text, and the text there."""
    for pattern, replacement in UNKNOWN:
        text = re.sub(pattern, replacement, text)
    parsed = linter.parse_string(text)
    found = [(error.line_no, error.desc()) for error in parsed.violations]
    whole = parsed.root_variant()
    if whole is None or whole.tree is None:
        return found or [(1, "not parsed at all")]
    for segment in whole.tree.recursive_crawl("unparsable", "execute_script_statement", "alias_expression"):
        # A misspelt keyword passes for the name of a procedure or an alias; we write EXEC and AS.
        line, raw = segment.pos_marker.working_line_no, segment.raw.strip()
        if segment.is_type("unparsable"):
            found.append((line, raw[:200]))
        elif segment.is_type("execute_script_statement") and not raw.upper().startswith("EXEC"):
            found.append((line, f"a procedure without EXEC: {raw[:100]}"))
        elif segment.is_type("alias_expression") and not raw.upper().startswith("AS"):
            found.append((line, f"an alias without AS: {raw[:100]}"))
    # Statements within texts, for servers that do not know what is in them.
    for inner in re.finditer(r"\b(?:EXEC \(|sp_executesql )N'((?:[^']|'')*)'", text):
        line = text.count("\n", 0, inner.start())
        found += [(line + at, what) for at, what in errors(linter, inner[1].replace("''", "'"))]
    return found


def main():
    linter = Linter(config=FluffConfig(overrides={"dialect": "tsql"}))
    failed = 0
    for text in WRONG:
        if not errors(linter, text):
            print(f"the parser accepts what is wrong: {text}")
            failed += 1
    count = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            for first, batch in batches(file.read()):
                count += 1
                for line, what in errors(linter, batch):
                    print(f"{path}:{first + line - 1}: {what}")
                    failed += 1
    print(f"{count} batches of T-SQL in {len(sys.argv) - 1} files, {failed} errors")
    return 1 if failed or not count else 0


sys.exit(main())
