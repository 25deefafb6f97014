-- Notes what changed in {table} for maré, in {change_table}.
-- Made by `mare install`, removed by `mare uninstall`; switched off without either by switch_off.sql.
--
-- It runs once per statement, in the shop's own transaction, and handles all its rows together. It returns no result, runs no
-- dynamic SQL, leaves the database alone that it is in, converts nothing that could overflow, and does not catch errors. A
-- change that another trigger makes is a change like any other, so it does not look at TRIGGER_NESTLEVEL.
CREATE TRIGGER {trigger} ON {table}
AFTER INSERT, UPDATE, DELETE
AS
BEGIN
    SET NOCOUNT ON;
    -- A limit that the session set for its own statements would cut ours short; it holds again when this is over.
    SET ROWCOUNT 0;

    IF NOT EXISTS (SELECT 1 FROM inserted) AND NOT EXISTS (SELECT 1 FROM deleted) RETURN;
    -- The kill switch. NOLOCK: no statement of the shop may ever wait for whoever turns it.
    IF EXISTS (SELECT 1 FROM {control} WITH (NOLOCK) WHERE [captura_ligada] = 0) RETURN;
    {own_writes}
    {untouched}

    -- Rows that are gone, under the key that they had. A changed key is a row that is gone and one that is new.
    INSERT INTO {change_table} ([mare_op], [mare_origem], {columns})
    SELECT 'D', @origem, {gone}
    FROM deleted AS d
    WHERE NOT EXISTS (SELECT 1 FROM inserted AS i WHERE {same_key});

    -- Rows that are new, or in which a mapped column really changed. SQL Server plans this anew when the number of rows
    -- grows tenfold, so a sale of one line and a price list of a million both get a join that suits them.
    INSERT INTO {change_table} ([mare_op], [mare_origem], {columns})
    SELECT 'U', @origem, {present}
    FROM inserted AS i
    LEFT JOIN deleted AS d ON {same_key}
    WHERE {new_or_changed};
END;
