-- Removes everything that maré installed in Live (SQL Server). Run by `mare uninstall`; it may be run again.
--
-- Who runs it: a member of db_owner; securityadmin for the login at the end.
-- Locks: DROP TRIGGER waits until nobody uses the table, and gives up after 5 seconds (error 1222): run it again then.
-- Undone by: install.sql. What waits in the change tables is lost; maré then compares everything again.
SET LOCK_TIMEOUT 5000;
SET DEADLOCK_PRIORITY LOW;
GO

-- 1. The triggers first: from here on no statement of the shop knows of us.
{triggers}
-- 2. The change tables and the kill switch.
{tables}
-- 3. The user, whose rights go with it, and the login.
IF DATABASE_PRINCIPAL_ID({login_literal}) IS NOT NULL
    DROP USER {login};
GO
IF SUSER_ID({login_literal}) IS NOT NULL
    DROP LOGIN {login};
GO

-- 4. The schema, if nobody has put anything else into it.
IF SCHEMA_ID({schema_literal}) IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM sys.objects WHERE schema_id = SCHEMA_ID({schema_literal}))
    DROP SCHEMA {schema};
GO
