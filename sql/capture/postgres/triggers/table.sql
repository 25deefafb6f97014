
-- {table}
--
-- mare_op: U there, with these values; D deleted; K changed, to be read again; T truncated; E a change could not be
-- captured (mare_origin says why). Deletes carry the key alone. Types without their limits: what fits into the
-- table of Live always fits in here.
{drop}
CREATE TABLE IF NOT EXISTS {change_table} (
    mare_number  bigint       PRIMARY KEY DEFAULT nextval('mare.change_number'),
    mare_op      "char"       NOT NULL,
    mare_origin  text,
    mare_at      timestamptz  NOT NULL DEFAULT clock_timestamp(),
    {columns}
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_threshold = 100000);
GRANT SELECT, DELETE ON {change_table} TO {role};

-- One function for the four triggers. It runs with the rights of its owner, so that whoever writes to the table needs
-- none on ours.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $mare${body}$mare$;
REVOKE ALL ON FUNCTION {function}() FROM PUBLIC;

CREATE OR REPLACE TRIGGER mare_insert AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE OR REPLACE TRIGGER mare_update AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE OR REPLACE TRIGGER mare_delete AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE OR REPLACE TRIGGER mare_truncate AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
