IF SUSER_ID({login_literal}) IS NULL
    {create_login}
GO
IF DATABASE_PRINCIPAL_ID({login_literal}) IS NULL
    CREATE USER {login} FOR LOGIN {login} WITH DEFAULT_SCHEMA = {schema};
GO
