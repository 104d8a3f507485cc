-- Streams as they were read, and the comparisons. Each answers with what is wrong, and with nothing when all is as it must be.
SET client_min_messages = warning;

CREATE UNLOGGED TABLE seen (
    stream text, place bigint, shard text, number text COLLATE "C", event text, keys jsonb, new jsonb, old jsonb,
    PRIMARY KEY (stream, number)
);
CREATE UNLOGGED TABLE seen_shard (stream text, shard text, parent text, first text COLLATE "C", last text COLLATE "C");
-- Reads a stream from TRIM_HORIZON as `seen`; a number that comes twice is an error here.
CREATE FUNCTION see(arn text) RETURNS bigint LANGUAGE sql AS $$
    DELETE FROM seen WHERE stream = arn;
    DELETE FROM seen_shard WHERE stream = arn;
    INSERT INTO seen_shard SELECT arn, s ->> 'ShardId', s ->> 'ParentShardId',
        s #>> '{SequenceNumberRange,StartingSequenceNumber}', s #>> '{SequenceNumberRange,EndingSequenceNumber}' FROM shards(arn) AS s;
    INSERT INTO seen SELECT arn, place, shard, record #>> '{dynamodb,SequenceNumber}', record ->> 'eventName',
        (record #> '{dynamodb,Keys}')::jsonb, (record #> '{dynamodb,NewImage}')::jsonb, (record #> '{dynamodb,OldImage}')::jsonb
    FROM records(arn);
    SELECT count(*) FROM seen WHERE stream = arn
$$;

-- Numbers rise within a shard, lie in its range, and behind those of its parents.
CREATE FUNCTION disorder(arn text) RETURNS TABLE (what text, number text) LANGUAGE sql AS $$
    SELECT 'falls', number FROM (SELECT number, lag(number) OVER (PARTITION BY shard ORDER BY place) AS before FROM seen WHERE stream = arn) AS s
    WHERE number <= before
    UNION ALL
    SELECT 'outside of its shard', number FROM seen JOIN seen_shard AS h USING (stream, shard)
    WHERE stream = arn AND (number < first OR number > last)
    UNION ALL
    SELECT 'before its parent''s end', c.first FROM seen_shard AS c JOIN seen_shard AS p ON p.stream = c.stream AND p.shard = c.parent
    WHERE c.stream = arn AND (p.last IS NULL OR c.first < p.last)
$$;

-- Each change has the image that the one before it has left. `whole`: the stream has every change that ever was.
CREATE FUNCTION broken_links(arn text, whole boolean DEFAULT true) RETURNS TABLE (keys jsonb, number text) LANGUAGE sql AS $$
    SELECT keys, number FROM (SELECT *, lag(new) OVER w AS before, row_number() OVER w AS turn FROM seen WHERE stream = arn
                              WINDOW w AS (PARTITION BY keys ORDER BY number)) AS s
    WHERE (whole OR turn > 1) AND old IS DISTINCT FROM before
       OR (event = 'INSERT') <> (old IS NULL) OR (event = 'REMOVE') <> (new IS NULL) OR old = new
$$;

-- Replayed, the stream is the table.
CREATE FUNCTION not_rebuilt(tab text, arn text) RETURNS TABLE (keys jsonb, rebuilt jsonb, stored jsonb) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT coalesce(r.keys, s.keys), r.new, s.item
         FROM (SELECT * FROM (SELECT DISTINCT ON (keys) keys, new FROM seen WHERE stream = $1 ORDER BY keys, number DESC) AS l
               WHERE new IS NOT NULL) AS r
         FULL JOIN (SELECT jsonb_build_object(''pk'', i -> ''pk'', ''sk'', i -> ''sk'') AS keys, i AS item
                    FROM (SELECT item::text::jsonb AS i FROM dynamo_tables.%I) AS t) AS s USING (keys)
         WHERE r.new IS DISTINCT FROM s.item', tab) USING arn;
END
$$;

CREATE FUNCTION key_of(item jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN item IS NOT NULL THEN jsonb_build_object('pk', item -> 'pk', 'sk', item -> 'sk') END
$$;
-- What the book says should be in the stream: no row for what changed nothing, two for another key.
CREATE FUNCTION booked(tab text) RETURNS TABLE (keys jsonb, turn bigint, at timestamptz, transaction xid8, event text, old jsonb, new jsonb) LANGUAGE sql AS $$
    WITH entries AS (SELECT *, key_of(old) AS old_key, key_of(new) AS new_key FROM book WHERE table_name = tab),
    changes AS (
        SELECT entry, 0 AS part, at, transaction, coalesce(new_key, old_key) AS keys,
               CASE WHEN old IS NULL THEN 'INSERT' WHEN new IS NULL THEN 'REMOVE' ELSE 'MODIFY' END AS event, old, new
        FROM entries WHERE old IS DISTINCT FROM new AND (old IS NULL OR new IS NULL OR old_key = new_key)
        UNION ALL
        SELECT entry, 0, at, transaction, old_key, 'REMOVE', old, NULL FROM entries WHERE old_key <> new_key
        UNION ALL
        SELECT entry, 1, at, transaction, new_key, 'INSERT', NULL, new FROM entries WHERE old_key <> new_key)
    SELECT keys, row_number() OVER (PARTITION BY keys ORDER BY entry, part), at, transaction, event, old, new FROM changes
$$;

-- Booked and not in the stream, or in the stream and not booked. `whole`: as above; else it has the end of each item's history.
CREATE FUNCTION unlike_the_book(tab text, arn text, whole boolean DEFAULT true)
RETURNS TABLE (keys jsonb, booked text, seen text, transaction xid8, number text) LANGUAGE sql AS $$
    WITH b AS (SELECT *, row_number() OVER (PARTITION BY keys ORDER BY turn DESC) AS back FROM booked(tab)),
    s AS (SELECT *, row_number() OVER (PARTITION BY keys ORDER BY number DESC) AS back FROM seen WHERE stream = arn)
    SELECT keys, b.event, s.event, b.transaction, s.number FROM b FULL JOIN s USING (keys, back)
    WHERE (whole OR s.number IS NOT NULL)
      AND (b.event, b.old, b.new) IS DISTINCT FROM (s.event, s.old, s.new)
$$;

-- One transaction has one place in the log, and its changes are numbered from one without a gap, over all its tables.
CREATE FUNCTION scattered(tab text, arn text) RETURNS TABLE (transaction xid8, places bigint) LANGUAGE sql AS $$
    WITH b AS (SELECT * FROM booked(tab)),
    s AS (SELECT *, row_number() OVER (PARTITION BY keys ORDER BY number) AS turn FROM seen WHERE stream = arn),
    t AS (SELECT DISTINCT transaction, substr(number, 1, 28) AS place FROM b JOIN s USING (keys, turn))
    SELECT transaction, count(*) FROM t GROUP BY 1 HAVING count(*) > 1
    UNION ALL
    SELECT min(transaction::text::bigint)::text::xid8, -count(*) FROM t GROUP BY place HAVING count(*) > 1
$$;
CREATE FUNCTION gaps(streams text[]) RETURNS TABLE (place text, changes bigint, last bigint) LANGUAGE sql AS $$
    SELECT substr(number, 1, 28), count(*), max(substr(number, 29)::bigint) FROM seen WHERE stream = ANY (streams)
    GROUP BY 1 HAVING count(*) <> max(substr(number, 29)::bigint)
$$;

-- What clients of the endpoint were told.
CREATE UNLOGGED TABLE journal (table_name text, pk text, sk bigint, n bigint, what text, told text);
CREATE FUNCTION untrue(tab text, arn text) RETURNS TABLE (pk text, sk bigint, n bigint, what text, told text, found bigint) LANGUAGE sql AS $$
    -- Who removes leaves no number, but a key is removed once.
    WITH s AS (SELECT keys #>> '{pk,S}' AS pk, (keys #>> '{sk,N}')::bigint AS sk,
                      CASE event WHEN 'REMOVE' THEN 'remove' ELSE 'put' END AS what, coalesce((new #>> '{v,N}')::bigint, -1) AS n,
                      count(*) AS found
               FROM seen WHERE stream = arn AND keys #>> '{pk,S}' LIKE 'http %' GROUP BY 1, 2, 3, 4),
    j AS (SELECT pk, sk, CASE what WHEN 'remove' THEN -1 ELSE n END AS n, what, told FROM journal WHERE table_name = tab)
    SELECT pk, sk, n, what, coalesce(told, 'never sent'), found FROM j FULL JOIN s USING (pk, sk, what, n)
    WHERE CASE told WHEN 'done' THEN found IS DISTINCT FROM 1 WHEN 'unknown' THEN found > 1 ELSE found > 0 END
$$;

-- What a consumer was given while servers died.
CREATE UNLOGGED TABLE followed (line bigint GENERATED ALWAYS AS IDENTITY, stream text, shard text, record jsonb);
CREATE FUNCTION unlike_followed(arn text) RETURNS TABLE (number text, what text) LANGUAGE sql AS $$
    WITH f AS (SELECT line, shard, record #>> '{dynamodb,SequenceNumber}' COLLATE "C" AS number, record ->> 'eventName' AS event,
                      record #> '{dynamodb,Keys}' AS keys, record #> '{dynamodb,NewImage}' AS new, record #> '{dynamodb,OldImage}' AS old
               FROM followed WHERE stream = arn)
    SELECT number, 'twice' FROM f GROUP BY 1 HAVING count(*) > 1
    UNION ALL
    SELECT coalesce(f.number, s.number), CASE WHEN s.number IS NULL THEN 'gone' WHEN f.number IS NULL THEN 'not given' ELSE 'changed' END
    FROM f FULL JOIN (SELECT * FROM seen WHERE stream = arn) AS s USING (number)
    WHERE (f.shard, f.event, f.keys, f.new, f.old) IS DISTINCT FROM (s.shard, s.event, s.keys, s.new, s.old)
    UNION ALL
    SELECT number, 'out of order' FROM (SELECT number, lag(number) OVER (PARTITION BY keys ORDER BY line) AS before FROM f) AS o WHERE number <= before
$$;

-- Streams of a table that come and go: between which moments each must have everything, and may have something.
CREATE TABLE spell (stream text PRIMARY KEY, asked timestamptz, active timestamptz, ending timestamptz, ended timestamptz);
CREATE FUNCTION unlike_their_spells(tab text) RETURNS TABLE (stream text, keys jsonb, what text) LANGUAGE sql AS $$
    WITH b AS (SELECT *, coalesce(new, old) -> 'v' AS v FROM booked(tab)),
    s AS (SELECT *, coalesce(new, old) -> 'v' AS v FROM seen JOIN spell USING (stream)),
    pairs AS (SELECT s.*, b.turn, b.at FROM s LEFT JOIN b USING (keys, event, v))
    SELECT p.stream, b.keys, 'not in the stream' FROM spell AS p JOIN b ON b.at >= p.active AND b.at < p.ending
    WHERE NOT EXISTS (SELECT FROM s WHERE s.stream = p.stream AND (s.keys, s.event, s.v) = (b.keys, b.event, b.v))
    UNION ALL
    SELECT stream, keys, 'not booked then' FROM pairs WHERE turn IS NULL OR at < asked OR at > ended
    UNION ALL
    SELECT stream, keys, 'gap' FROM pairs GROUP BY 1, 2 HAVING max(turn) - min(turn) + 1 <> count(*)
$$;
