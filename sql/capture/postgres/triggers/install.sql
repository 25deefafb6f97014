-- What maré installs in Live (Postgres, capture = "triggers"). Shown by `mare install --dry-run`, undone by
-- `mare uninstall`.
--
-- Who runs it: the owner of the tables, with CREATE on the database, who may create roles.
-- What it makes: a login; a schema `mare` with one change table per captured table; on each captured table four
-- triggers.
-- Effect on the shop: an INSERT, UPDATE, DELETE or TRUNCATE of a captured table also writes one row per row whose
-- mapped columns really changed. None of them fails because of it. The shop's users need no new rights.
-- Locks: ShareRowExclusiveLock on one captured table after the other, while its triggers are made: that waits for
-- open transactions that write to it, and new ones wait meanwhile, so do it in a quiet hour. After 5 seconds
-- without the lock the script stops; running it again continues.
SET lock_timeout = '5s';

-- 1. A login of its own. It owns nothing.
{role}

-- 2. The schema, and the numbers of changes: one space for all change tables. CACHE 1, or they would not ascend.
CREATE SCHEMA IF NOT EXISTS mare;
CREATE SEQUENCE IF NOT EXISTS mare.change_number AS bigint CACHE 1 NO CYCLE;

-- 3. The switch. UPDATE mare.control SET capture = false stops capture at once, with nobody's help; true starts it
--    again, and maré then compares everything.
CREATE TABLE IF NOT EXISTS mare.control (
    only_row      boolean      PRIMARY KEY DEFAULT true CHECK (only_row),
    capture       boolean      NOT NULL DEFAULT true,
    installation  uuid         NOT NULL DEFAULT gen_random_uuid(),  -- another one: changes may have been missed
    changed_at    timestamptz  NOT NULL DEFAULT now()
);
INSERT INTO mare.control DEFAULT VALUES ON CONFLICT DO NOTHING;
CREATE OR REPLACE FUNCTION mare.control_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $mare$
BEGIN
    IF NEW.capture IS DISTINCT FROM OLD.capture THEN
        NEW.installation := gen_random_uuid();
        NEW.changed_at := now();
    END IF;
    RETURN NEW;
END $mare$;
CREATE OR REPLACE TRIGGER control_changed BEFORE UPDATE ON mare.control
    FOR EACH ROW EXECUTE FUNCTION mare.control_changed();

-- 4. What maré may do: read the mapped columns, and read and delete what was captured.
{grants}
{tables}
-- Last. From here on no change is missed; what changed before is found by comparing everything once.
UPDATE mare.control SET installation = gen_random_uuid(), changed_at = now();
