-- Capture without triggers: SQL Server's own change tracking, which remembers the keys of changed rows.
-- For installations that may not have triggers. Undone by tracking_uninstall.sql (`mare uninstall`); may be run again.
--
-- Who runs it: a member of db_owner; the part about the login needs securityadmin.
-- Locks: ENABLE CHANGE_TRACKING waits until nobody uses the table, and gives up after 5 seconds (error 1222).
-- Effect on the shop: an internal row per changed row, in every statement, whatever column it changed. ALTER TABLE … SWITCH is refused
--   on a tracked table. Statements with OUTPUT are not affected. Keys are kept for {retention_days} days; an outage of maré that lasts
--   longer ends in a comparison of everything. Deletes of expired keys run in the background.
SET LOCK_TIMEOUT 5000;
SET DEADLOCK_PRIORITY LOW;
GO

-- 1. For the database, if nobody has enabled it yet.
IF NOT EXISTS (SELECT 1 FROM sys.change_tracking_databases WHERE database_id = DB_ID())
    ALTER DATABASE CURRENT SET CHANGE_TRACKING = ON (CHANGE_RETENTION = {retention_days} DAYS, AUTO_CLEANUP = ON);
GO

-- 2. For each captured table.
{tables}
-- 3. A login of its own. It owns nothing, and creates and alters nothing.
{login}
-- 4. What it may do: read the mapped columns and which keys changed.
{grants}
