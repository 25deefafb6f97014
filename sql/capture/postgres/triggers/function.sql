
DECLARE
    writer text := nullif(current_setting('mare.origin', true), '');
    depth integer := pg_trigger_depth();
    -- How deep in triggers the last statement on this table ran, in this transaction.
    last_depth_is text := 'mare.depth_' || TG_RELID;
    last_depth integer;
    stale boolean;
BEGIN
    -- The switch stops everything.
    IF EXISTS (SELECT FROM mare.control WHERE NOT capture) THEN
        RETURN NULL;
    END IF;
{own_writes}
    -- A trigger of the shop's on this table may have changed the same rows once more, after this statement and before
    -- us: what this statement left is then not the newest, and is read again.
    last_depth := coalesce(nullif(current_setting(last_depth_is, true), '')::integer, depth);
    stale := last_depth > depth;
    IF last_depth <> depth OR depth > 1 THEN
        PERFORM set_config(last_depth_is, depth::text, true);
    END IF;

    IF TG_OP = 'UPDATE' THEN
        -- A full join finds new keys, gone keys and changed rows at once, and never row against row. Whatever writes
        -- equal values again leaves no trace. A key that is gone comes before one that took its place.
        INSERT INTO {change_table} (mare_op, mare_origin, {columns})
        SELECT CASE WHEN stale THEN 'K' WHEN {n_is_none} THEN 'D' ELSE 'U' END, writer, {either}
        FROM new_rows AS n FULL JOIN old_rows AS o ON {same_key}
        WHERE {n_is_none} OR {o_is_none} OR {changed}
        ORDER BY CASE WHEN {n_is_none} THEN 0 ELSE 1 END;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO {change_table} (mare_op, mare_origin, {columns})
        SELECT CASE WHEN stale THEN 'K' ELSE 'U' END, writer, {new} FROM new_rows AS n;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {change_table} (mare_op, mare_origin, {key})
        SELECT CASE WHEN stale THEN 'K' ELSE 'D' END, writer, {old_key} FROM old_rows AS o;
    ELSE
        INSERT INTO {change_table} (mare_op, mare_origin) VALUES ('T', writer);
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    -- The shop's statement goes on, whatever is wrong with us. The change is not forgotten: E has the table compared.
    BEGIN
        INSERT INTO {change_table} (mare_op, mare_origin) VALUES ('E', left(SQLERRM, 300));
    EXCEPTION WHEN OTHERS THEN
        RAISE LOG 'maré could not capture a change of %: %', TG_RELID::regclass, SQLERRM;
    END;
    RETURN NULL;
END 
