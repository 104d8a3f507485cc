-- What the cases with large items say besides.
-- 307,200 bytes that do not compress, so that an item with them lies out of line.
CREATE FUNCTION large_text(seed int) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(md5(seed || ' ' || n), '' ORDER BY n) FROM generate_series(1, 9600) AS n
$$;
-- The one item of a table as it was after each change; no item when it was deleted.
CREATE TABLE version (n serial, table_name text, item jsonb);
-- The records of that table's stream are these changes, with the images of the view whole, and their sizes (the key has
-- 2,006 bytes and the item 309,210).
CREATE FUNCTION tells_versions(name text, view text) RETURNS text LANGUAGE sql AS $$
    WITH changes AS (
        SELECT row_number() OVER (ORDER BY n) AS place, item AS new, lag(item) OVER (ORDER BY n) AS old FROM version WHERE table_name = name),
    wanted AS (
        SELECT place, CASE WHEN old IS NULL THEN 'INSERT' WHEN new IS NULL THEN 'REMOVE' ELSE 'MODIFY' END AS event,
               CASE WHEN view IN ('OLD_IMAGE', 'NEW_AND_OLD_IMAGES') THEN old END AS old,
               CASE WHEN view IN ('NEW_IMAGE', 'NEW_AND_OLD_IMAGES') THEN new END AS new,
               (SELECT jsonb_object_agg(key, value) FROM jsonb_each(coalesce(new, old)) WHERE key IN ('pk', 'sk')) AS keys FROM changes),
    found AS (SELECT place, record ->> 'eventName' AS event, record::jsonb -> 'dynamodb' AS of FROM records(arn(name)))
    SELECT string_agg(CASE
               WHEN w.event IS DISTINCT FROM f.event THEN format('%s instead of %s', f.event, w.event)
               WHEN f.of ->> 'StreamViewType' <> view THEN 'another view'
               WHEN f.of -> 'Keys' IS DISTINCT FROM w.keys THEN w.event || ' with other keys'
               WHEN f.of -> 'OldImage' IS DISTINCT FROM w.old THEN w.event || ' with another old image'
               WHEN f.of -> 'NewImage' IS DISTINCT FROM w.new THEN w.event || ' with another new image'
               WHEN (f.of ->> 'SizeBytes')::int <> 2006 + 309210 * num_nonnulls(w.old, w.new) THEN w.event || ' of another size'
               ELSE w.event END, ', ' ORDER BY place)
    FROM wanted AS w FULL JOIN found AS f USING (place)
$$;
