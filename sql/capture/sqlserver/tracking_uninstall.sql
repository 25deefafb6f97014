-- Removes what tracking_install.sql made. Run by `mare uninstall`; it may be run again.
--
-- Who runs it: a member of db_owner; securityadmin for the login.
-- Locks: DISABLE CHANGE_TRACKING waits until nobody uses the table, and gives up after 5 seconds (error 1222).
-- Undone by: tracking_install.sql. If other programs follow the changes of these tables, leave step 1 out.
SET LOCK_TIMEOUT 5000;
SET DEADLOCK_PRIORITY LOW;
GO

-- 1. The tables.
{tables}
-- 2. The database, if no other table is tracked.
IF EXISTS (SELECT 1 FROM sys.change_tracking_databases WHERE database_id = DB_ID())
   AND NOT EXISTS (SELECT 1 FROM sys.change_tracking_tables)
    ALTER DATABASE CURRENT SET CHANGE_TRACKING = OFF;
GO

-- 3. The user, whose rights go with it, and the login.
IF DATABASE_PRINCIPAL_ID({login_literal}) IS NOT NULL
    DROP USER {login};
GO
IF SUSER_ID({login_literal}) IS NOT NULL
    DROP LOGIN {login};
GO
