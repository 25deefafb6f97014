-- Capture with nothing installed: maré polls the rowversion column that the shop's tables have already. All it needs is a login
-- that may read. Undone by rowversion_uninstall.sql (`mare uninstall`); may be run again.
--
-- Who runs it: a member of db_owner; the part about the login needs securityadmin.
-- Locks: none on the shop's tables.
-- Effect on the shop: each poll reads the rows changed since the last one; without an index on the rowversion column it reads the whole
--   table. Deleted rows leave no trace and are found only when everything is compared. One transaction that stays open
--   anywhere in the database holds back everything that changed after it began.

-- 1. A login of its own. It owns nothing, and creates and alters nothing.
{login}
-- 2. It may read the mapped columns, and no others.
{grants}
