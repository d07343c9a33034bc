-- Made-up files with the paths, columns and types that the hub's sets are published with (their cards and what reads them say so;
-- none was taken from there). i counts rows; as many as the set has to have. What a row leaves out must not come through.

COPY (SELECT 'How many ' || i || '?' AS question, 'So <<' || i || '+1=' || (i + 1) || '>>.' || chr(10) || '#### ' ||
    CASE i WHEN 3 THEN '70,000' WHEN 4 THEN '-5' ELSE (i + 1)::VARCHAR END AS answer FROM range(1319) t(i))
    TO 'openai/gsm8k/main/test-00000-of-00001.parquet';

COPY (SELECT 'Mercury_' || i AS id, 'Which ' || i || '?' AS question,
    CASE WHEN i = 5 THEN {'text': ['one', 'two', 'three'], 'label': ['1', '2', '3']}
         ELSE {'text': ['w' || i, 'x', 'y', 'z'], 'label': ['A', 'B', 'C', 'D']} END AS choices,
    CASE WHEN i = 5 THEN '2' ELSE 'C' END AS answerKey FROM range(1172) t(i))
    TO 'allenai/ai2_arc/ARC-Challenge/test-00000-of-00001.parquet';
COPY (SELECT 'Easy_' || i AS id, 'Which ' || i || '?' AS question,
    {'text': ['w' || i, 'x', 'y'], 'label': ['A', 'B', 'C']} AS choices, 'A' AS answerKey FROM range(2376) t(i))
    TO 'allenai/ai2_arc/ARC-Easy/test-00000-of-00001.parquet';

COPY (SELECT '7-' || i AS id, 'A plant ' || i AS question_stem,
    {'text': ['w' || i, 'x', 'y', 'z'], 'label': ['A', 'B', 'C', 'D']} AS choices, 'D' AS answerKey FROM range(500) t(i))
    TO 'allenai/openbookqa/main/test-00000-of-00001.parquet';
COPY (SELECT 'another config' AS question_stem) TO 'allenai/openbookqa/additional/test-00000-of-00001.parquet';

COPY (SELECT (i * 3)::INTEGER AS ind, 'Roof shingle removal' AS activity_label, 'A man ' || i || '.' AS ctx_a, 'he' AS ctx_b,
    'A man ' || i || '. he' AS ctx, ['runs', 'sits', 'falls', 'eats'] AS endings, 'activitynet~v_' || i AS source_id,
    'val' AS split, 'indomain' AS split_type, (i % 4)::VARCHAR AS label FROM range(10042) t(i))
    TO 'Rowan/hellaswag/data/validation-00000-of-00001.parquet';

COPY (SELECT 'The cup fell on the _ since ' || i AS sentence, 'floor' AS option1, 'cup' AS option2, (i % 2 + 1)::VARCHAR AS answer
    FROM range(1267) t(i)) TO 'allenai/winogrande/winogrande_xl/validation-00000-of-00001.parquet';

COPY (SELECT 'is it ' || i AS question, i % 2 = 0 AS answer, 'A paragraph.' AS passage FROM range(3270) t(i))
    TO 'google/boolq/data/validation-00000-of-00001.parquet';

COPY (SELECT 'What if ' || i || '?' AS question,
    {'choices': ['true ' || i, 'false a', 'false b'], 'labels': [1::INTEGER, 0, 0]} AS mc1_targets,
    {'choices': ['true ' || i, 'also true', 'false a'], 'labels': [1::INTEGER, 1, 0]} AS mc2_targets FROM range(817) t(i))
    TO 'truthfulqa/truthful_qa/multiple_choice/validation-00000-of-00001.parquet';

COPY (SELECT 'HumanEval/' || i AS task_id, 'def f' || i || '():' || chr(10) || '    """Doc."""' AS prompt,
    '    return ' || i AS canonical_solution, 'def check(candidate):' || chr(10) || '    assert candidate() == ' || i AS test,
    'f' || i AS entry_point FROM range(164) t(i)) TO 'openai/openai_humaneval/openai_humaneval/test-00000-of-00001.parquet';

-- The few tasks about trees have code that builds one before the asserts can run.
COPY (SELECT (i + 11)::INTEGER AS task_id, 'Write f ' || i AS text, 'def f(): pass' AS code,
    ['assert f(1) == 1', 'assert f(2) == 2', 'assert f(3) == 3'] AS test_list,
    CASE WHEN i = 2 THEN 'root = Node(1)' ELSE '' END AS test_setup_code, []::VARCHAR[] AS challenge_test_list FROM range(500) t(i))
    TO 'google-research-datasets/mbpp/full/test-00000-of-00001.parquet';

COPY (SELECT (i + 70)::BIGINT AS question_id, 'Which ' || i || '?' AS question,
    CASE WHEN i = 1 THEN ['a', 'N/A', 'b', 'c', 'N/A'] ELSE ['a' || i, 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'] END AS options,
    CASE WHEN i = 1 THEN 'D' ELSE 'J' END AS answer, CASE WHEN i = 1 THEN 3 ELSE 9 END::BIGINT AS answer_index,
    '' AS cot_content, CASE WHEN i % 2 = 0 THEN 'business' ELSE 'law' END AS category, 'ori_mmlu' AS src FROM range(12032) t(i))
    TO 'TIGER-Lab/MMLU-Pro/data/test-00000-of-00001.parquet';

COPY (SELECT 'Find ' || i AS question, 'abstract_algebra' AS subject, ['0', '4', CASE WHEN i = 2 THEN '' ELSE '2' END, '6'] AS choices,
    (i % 4)::BIGINT AS answer FROM range(14042) t(i)) TO 'cais/mmlu/all/test-00000-of-00001.parquet';

-- What lies beside them in other splits: answered examples. Of the large ones a part is taken, by hash.
COPY (SELECT 'Learn ' || i AS question, ['abstract_algebra', 'law'][i // 5 % 2 + 1] AS subject, ['0', '4', '2', '6'] AS choices,
    (i % 4)::BIGINT AS answer FROM range(285) t(i)) TO 'cais/mmlu/all/dev-00000-of-00001.parquet';
COPY (SELECT i::BIGINT AS question_id, 'Learn ' || i AS question, ['a', 'N/A', 'b'] AS options, 'C' AS answer, 2::BIGINT AS answer_index,
    'A: Let us see. (C).' AS cot_content, 'law' AS category, 'ori_mmlu' AS src FROM range(70) t(i))
    TO 'TIGER-Lab/MMLU-Pro/data/validation-00000-of-00001.parquet';
COPY (SELECT 'Learn ' || i AS question, 'So <<' || i || '+1=' || (i + 1) || '>>' || (i + 1) || '.' || chr(10) || '#### ' || (i + 1) AS answer
    FROM range(7473) t(i)) TO 'openai/gsm8k/main/train-00000-of-00001.parquet';
COPY (SELECT 'Learn_' || i AS id, 'Learn ' || i AS question, {'text': ['x', 'y'], 'label': ['A', 'B']} AS choices, 'B' AS answerKey
    FROM range(1119) t(i)) TO 'allenai/ai2_arc/ARC-Challenge/train-00000-of-00001.parquet';
COPY (SELECT 'Learn_' || i AS id, 'Learn ' || i AS question, {'text': ['x', 'y'], 'label': ['A', 'B']} AS choices, 'B' AS answerKey
    FROM range(2251) t(i)) TO 'allenai/ai2_arc/ARC-Easy/train-00000-of-00001.parquet';
COPY (SELECT '9-' || i AS id, 'Learn ' || i AS question_stem, {'text': ['x', 'y'], 'label': ['A', 'B']} AS choices, 'B' AS answerKey
    FROM range(4957) t(i)) TO 'allenai/openbookqa/main/train-00000-of-00001.parquet';
COPY (SELECT i::INTEGER AS ind, 'Baking' AS activity_label, 'Learn ' || i || '.' AS ctx_a, 'she' AS ctx_b,
    ['runs', 'sits', 'falls', 'eats'] AS endings, (i % 4)::VARCHAR AS label FROM range(39905) t(i))
    TO 'Rowan/hellaswag/data/train-00000-of-00001.parquet';
COPY (SELECT 'Learn _ ' || i AS sentence, 'floor' AS option1, 'cup' AS option2, (i % 2 + 1)::VARCHAR AS answer
    FROM range(40398) t(i)) TO 'allenai/winogrande/winogrande_xl/train-00000-of-00001.parquet';
COPY (SELECT 'learn ' || i AS question, i % 2 = 0 AS answer, 'A paragraph.' AS passage FROM range(9427) t(i))
    TO 'google/boolq/data/train-00000-of-00001.parquet';

COPY (SELECT md5(i::VARCHAR) AS uuid, 'Which ' || i || '?' AS question, ['a', 'b', 'c'] AS options, 'c' AS answer, 'C' AS answer_letter,
    'Engineering' AS discipline, 'Mechanics' AS field, 'Statics' AS subfield, 'hard' AS difficulty, i % 2 = 0 AS is_calculation
    FROM range(26529) t(i)) TO 'm-a-p/SuperGPQA/SuperGPQA-all.jsonl' (FORMAT json);

CREATE TABLE gpqa AS SELECT i, 'Made up ' || i || ',' || chr(10) || '"quoted" # 1' || chr(10) AS "Question",
    ' right ' || i AS "Correct Answer", 'wrong 1' AS "Incorrect Answer 1", '2020-01-02' AS "Incorrect Answer 2",
    i::VARCHAR || '.50' || chr(10) AS "Incorrect Answer 3", 'rec' || i AS "Record ID", 'Physics' AS "High-level domain",
    'Quantum Mechanics' AS "Subdomain", 'a canary' AS "Canary String" FROM range(546) t(i);
COPY (SELECT * EXCLUDE i FROM gpqa WHERE i < 198) TO 'Idavidrein/gpqa/gpqa_diamond.csv';
COPY (SELECT * EXCLUDE i FROM gpqa WHERE i < 448) TO 'Idavidrein/gpqa/gpqa_main.csv';
COPY (SELECT * EXCLUDE i FROM gpqa) TO 'Idavidrein/gpqa/gpqa_extended.csv';

COPY (SELECT 'Compute $' || i || '$.' AS problem, 'It is \boxed{' || i || '}.' AS solution, '\frac{' || i || '}{2}' AS answer,
    'Algebra' AS subject, 2 AS level, 'test/algebra/' || i || '.json' AS unique_id FROM range(500) t(i))
    TO 'HuggingFaceH4/MATH-500/test.jsonl' (FORMAT json);

COPY (SELECT 'Why ' || i || '?' AS question, CASE i WHEN 1 THEN '' WHEN 2 THEN '1999-01-01' ELSE 'because' END AS reference_answer,
    [{'response_model': 'm', 'response': 'r'}] AS responses FROM range(5) t(i)) TO 'facebook/natural_reasoning/a.jsonl' (FORMAT json);
COPY (SELECT 'And why ' || i || '?' AS question, NULL AS reference_answer, [{'response_model': 'm', 'response': 'r'}] AS responses
    FROM range(2) t(i)) TO 'facebook/natural_reasoning/b.jsonl' (FORMAT json);

-- toxic, redacted, another language, asked before, empty, without an answer
CREATE TABLE chats AS SELECT md5(i::VARCHAR) AS conversation_id, 'gpt-4' AS model, TIMESTAMP '2023-04-09 00:02:53' AS "timestamp",
    CASE WHEN i % 10 = 5 THEN [{'content': 'ask ' || i, 'language': 'English', 'redacted': false, 'role': 'user', 'toxic': false}]
    ELSE [{'content': CASE i % 10 WHEN 3 THEN 'ask 0' WHEN 4 THEN ' ' ELSE 'ask ' || i END, 'language': 'English', 'redacted': false,
           'role': 'user', 'toxic': false},
          {'content': 'reply ' || i, 'language': 'English', 'redacted': false, 'role': 'assistant', 'toxic': false},
          {'content': 'more', 'language': 'English', 'redacted': false, 'role': 'user', 'toxic': false}] END AS conversation,
    1::BIGINT AS turn, CASE WHEN i % 10 = 2 THEN 'French' ELSE 'English' END AS language, i % 10 = 1 AS toxic, i % 10 = 6 AS redacted
    FROM range(30) t(i);
COPY (SELECT * FROM chats WHERE rowid < 10) TO 'allenai/WildChat/data/train-00000-of-00002.parquet';
COPY (SELECT * FROM chats WHERE rowid >= 10) TO 'allenai/WildChat/data/train-00001-of-00002.parquet';

COPY (SELECT '{''topic'': ''Science and technology'', ''answer_type'': ''Person'', ''urls'': [''https://a.example/x,y'']}' AS metadata,
    'Who, "' || i || '"?' AS problem, CASE i WHEN 1 THEN '1999-01-01' WHEN 2 THEN '007' ELSE 'Ada' END AS answer
    FROM range(4326) t(i)) TO 'basicv8vc/SimpleQA/simple_qa_test_set.csv';

-- Its first column has no name.
COPY (SELECT '' AS a, 'Prompt' AS b, 'Answer' AS c, 'wikipedia_link_1' AS d, 'wikipedia_link_2' AS e, 'reasoning_types' AS f,
    'wiki_links' AS g UNION ALL SELECT i::VARCHAR, 'If ' || i || ' "then"?', 'Jane ' || i, 'https://a.example', NULL,
    'Numerical reasoning | Tabular reasoning', '[''https://a.example'']' FROM range(824) t(i))
    TO 'google/frames-benchmark/test.tsv' (DELIMITER '\t', FORMAT csv, HEADER false);

COPY (SELECT '66' || i AS id, 'Hard ' || i AS question, CASE WHEN i % 10 = 9 THEN 'data:image/png;base64,AA==' ELSE '' END AS image,
    NULL::STRUCT(bytes BLOB, path VARCHAR) AS image_preview, 'x^' || i AS answer, 'exactMatch' AS answer_type, 'A. N.' AS author_name,
    'since' AS rationale, NULL::STRUCT(bytes BLOB, path VARCHAR) AS rationale_image, 'Number Theory' AS raw_subject, 'Math' AS category,
    'a canary' AS canary FROM range(2400) t(i)) TO 'cais/hle/data/test-00000-of-00001.parquet';

COPY (SELECT md5(i::VARCHAR) AS uid, CASE WHEN i < 500 THEN 'hard_prompt' ELSE 'creative_writing' END AS category, 'coding' AS subcategory,
    'Please do ' || i AS prompt FROM range(750) t(i)) TO 'lmarena-ai/arena-hard-auto/data/arena-hard-v2.0/question.jsonl' (FORMAT json);
COPY (SELECT 'old' AS prompt) TO 'lmarena-ai/arena-hard-auto/data/arena-hard-v0.1/question.jsonl' (FORMAT json);

-- Keys of kwargs that only a few rows have; 386 of the 541 need no judgement.
COPY (SELECT '{"key":' || (i + 1000) || ',"prompt":"Write ' || i || '.","instruction_id_list":[' || CASE
    WHEN i < 150 THEN '"language:response_language"],"kwargs":[{"language":"kn"}]'
    WHEN i < 155 THEN '"keywords:letter_frequency"],"kwargs":[{"letter":"#","let_frequency":4,"let_relation":"at least"}]'
    WHEN i = 155 THEN '"punctuation:no_comma","keywords:existence"],"kwargs":[{},{"keywords":["a","b"]}]'
    ELSE '"length_constraints:number_words"],"kwargs":[{"relation":"at least","num_words":300}]' END || '}' FROM range(541) t(i))
    TO 'google/IFEval/ifeval_input_data.jsonl' (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '');
