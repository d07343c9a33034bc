#!/usr/bin/env bash
# Files of others that ipw dataset import meets: column types, hostile names and texts, broken CSV. Each is taken as it is
# meant, or refused by its name with what to do.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

export IPW_DATA=$work/data
sets=$IPW_DATA/datasets
need_duckdb
make_tables "$work" <<'SQL'
COPY (SELECT 'q1' AS "qu""es'ti
on", 'a' AS "an;swer -- x", 'c' AS "a
b") TO 'names.parquet';
COPY (SELECT {'a': 1} AS st, ['x', 'y'] AS li, 1.50::DECIMAL(10, 2) AS de, TIMESTAMP '2020-01-02 03:04:05' AS ts, '\xAA\xFF'::BLOB AS bl,
    true AS bo, 'nan'::DOUBLE AS na, 123456789012345678901234567890::DECIMAL(38, 0) AS hu, 18446744073709551615::UBIGINT AS ub, 'q' AS q)
    TO 'types.parquet';
COPY (SELECT 'q' || i AS question, ['a', 'b', 'c'] AS choices, CASE i WHEN 1 THEN NULL ELSE i END AS answer FROM range(3) t(i))
    TO 'labels.parquet';
COPY (SELECT 'q' AS question, ['a', 'b', 'c'] AS choices, -1 AS answer) TO 'negative.parquet';
COPY (SELECT 'q' AS question, ['a', 'b', 'c'] AS choices, 3 AS answer) TO 'beyond.parquet';
COPY (SELECT 'q' AS question, ['a', NULL, 'c'] AS choices, 0 AS answer) TO 'null.parquet';
COPY (SELECT 'q' AS question, ['a', ' ', 'c'] AS choices, 0 AS answer) TO 'blank.parquet';
COPY (SELECT 'q' AS question, ['a'] AS choices, 0 AS answer) TO 'one.parquet';
COPY (SELECT 'q' AS question, ['a', 'b'] AS choices, ['A', 'B'] AS answer) TO 'two.parquet';
COPY (SELECT repeat('word ', 40000) AS question, 'x' AS answer) TO 'long.parquet';
COPY (SELECT repeat('word ', 40000) AS question, 'x' AS answer) TO 'long.csv';
COPY (SELECT repeat('word ', 600000) AS question, 'x' AS answer) TO 'endless.csv';
COPY (SELECT 'q' AS question FROM range(0)) TO 'none.parquet';
COPY (SELECT 'q' AS "Question", 'x' AS "ANSWER") TO 'case.parquet';
COPY (SELECT 'same' AS id, 'q' AS question FROM range(3) t(i)) TO 'ids.parquet';
COPY (SELECT repeat('i', 300) AS id, 'q' AS question) TO 'id.parquet';
COPY (SELECT CASE i WHEN 2 THEN NULL ELSE 'q' END AS question FROM range(3) t(i)) TO 'absent.parquet';
COPY (SELECT CASE i WHEN 2 THEN ' ' ELSE 'q' END AS question FROM range(3) t(i)) TO 'empty.parquet';
COPY (SELECT 'q' || chr(0) || 'r' AS question) TO 'nul.parquet';
SQL
python3 - "$work" <<'P'
import gzip, os, sys
os.chdir(sys.argv[1])
def put(name, text): open(name, "wb").write(text if isinstance(text, bytes) else text.encode())
put("wide.csv", ",".join(f"c{i}" for i in range(10000)) + ",question\n" + "1," * 10000 + "q\n")
put("wide.jsonl", '{"question":"q",' + ",".join(f'"k{i}":{i}' for i in range(10000)) + "}\n")
put("comment.csv", 'question,answer\n"# one",1\n# two,2\nthree,3\n')
put("crlf.csv", b"\xef\xbb\xbfquestion,answer\r\nq1,007\r\n\"q\r\n2\",2020-01-02\r\nq3,1.50\r\n")
put("ragged.csv", "question,answer\nq1,1\nq2,2,3,4\n")
put("open.csv", 'question,answer\n"q1,1\nq2,2\n')
put("bytes.csv", b"question,answer\nq\xff1,1\n")
put("header.csv", "question,answer\n")
put("nothing.csv", "")
put("it's mine.csv", "question,answer\nq1,1\n")
put("a[1].csv", "question,answer\nq1,1\n")
put("quoted.tsv", 'question\tanswer\nhe said "x", so\t1\n')
gzip.open("packed.csv.gz", "wt").write("question,answer\nq1,1\n")
put("number.jsonl", '{"id":1,"question":"q","choices":["a","b"],"answer":1}\n')
put("late.jsonl", '{"question":"q0"}\n{"question":"q","answer":"x"}\n')
put("list.jsonl", '{"question":["q"]}\n')
put("deep.jsonl", '{"question":"q","answer":' + "[" * 50000 + "]" * 50000 + "}\n")
put("cut.jsonl", '{"problem":"q","answer":"1"}\n{"problem":"q2","ans')
os.mkdir("folder.csv")
os.mkfifo("pipe.csv")
P
cd "$work"

takes() { # FILE JQ WANT [MAP]
    run 0 "$IPW" dataset import "$1" --name taken ${4:+--map "$4"}
    local got
    got=$(jq -rs "$2" "$sets/taken.jsonl")
    [ "$got" = "$3" ] || fail "$1: $2 is $got, not $3"
}
refuses() { # FILE TEXT [MAP]
    run 2 timeout 20 "$IPW" dataset import "$1" --name refused ${3:+--map "$3"}
    says "$2"
    [ -z "$(find "$sets" -name '*refused*')" ] || fail "$1 left something"
}

takes names.parquet '.[0] | .question + .answer' q1a $'question=qu"es\'ti\non,answer=an;swer -- x'
for row in 'li=x' 'de=1.5' 'ts=2020-01-02 03:04:05' 'bo=true' 'na=null' 'hu=123456789012345678901234567890' 'ub=18446744073709551615'; do
    takes types.parquet '.[0].answer' "${row#*=}" "question=q,answer=${row%%=*}"
done
takes types.parquet '.[0].question' '\xAA\xFF' question=bl
refuses types.parquet "'types.parquet' row 1: 'st' is an object; a text or a number is needed" question=q,answer=st
refuses types.parquet "'types.parquet' row 1: 'st' is an object; a text is needed" question=st
refuses types.parquet "'types.parquet' row 1: 'li' is an array; a text is needed" question=li
refuses types.parquet "'types.parquet' row 1: 'de' is a number; a text or a whole number is needed" question=q,id=de
refuses names.parquet "--map question=COLUMN; there are: "
takes labels.parquet 'map(.answer // "-") | join("")' A-C
says "1 of them have no right answer"
refuses negative.parquet "'negative.parquet' row 1: the answer -1 is none of the 3 choices"
refuses beyond.parquet "row 1: the answer 3 is none of the 3 choices"
refuses null.parquet "choice B is no text"
refuses blank.parquet "choice B is empty"
refuses one.parquet "there are no 2 to 26 choices"
refuses two.parquet "there are 2 right answers"
takes long.parquet '.[0].question | length' 200000
takes long.csv '.[0].question | length' 200000
refuses endless.csv "Maximum line size of 2097152 bytes exceeded"
refuses none.parquet "'none.parquet' holds no record"
takes case.parquet '.[0] | .question + .answer' qx
refuses ids.parquet "row 2 has the id of row 1"
refuses id.parquet "'id' has 300 bytes; give a shorter one"
refuses absent.parquet "'absent.parquet' row 3: 'question' is missing; a text is needed"
refuses empty.parquet "'empty.parquet' row 3: 'question' is empty"
refuses nul.parquet "'question' holds a NUL character"
refuses wide.csv "take out the columns that are not needed"
takes wide.jsonl '.[0].question' q
takes comment.csv 'map(.question) | join("|")' '# one|# two|three'
takes crlf.csv 'map(.answer) | join("|")' '007|2020-01-02|1.50'
refuses ragged.csv "'ragged.csv' cannot be read as CSV"
refuses open.csv "'open.csv' cannot be read as CSV"
refuses bytes.csv "not utf-8"
refuses header.csv "holds no record"
refuses nothing.csv "'nothing.csv' is empty"
takes "it's mine.csv" '.[0].question' q1
refuses 'a[1].csv' "looks like a pattern"
takes quoted.tsv '.[0].question' 'he said "x", so'
takes packed.csv.gz '.[0].question' q1
takes number.jsonl '.[0] | .id + .answer' taken/1B
takes late.jsonl '.[1].answer' x
refuses list.jsonl "'question' is an array; a text is needed"
refuses deep.jsonl "'answer' holds an array"
refuses cut.jsonl "'cut.jsonl' line 2: not JSON"
refuses folder.csv "'folder.csv' is a folder"
refuses pipe.csv "'pipe.csv' is a pipe or device"
refuses away.csv "cannot read 'away.csv'"
