-- Removes what rowversion_install.sql made: a user and a login. Run by `mare uninstall`; it may be run again.
--
-- Who runs it: a member of db_owner; securityadmin for the login.
-- Locks: none that the shop would notice.
-- Undone by: rowversion_install.sql.
IF DATABASE_PRINCIPAL_ID(N'mare') IS NOT NULL
    DROP USER [mare];
GO
IF SUSER_ID(N'mare') IS NOT NULL
    DROP LOGIN [mare];
GO
