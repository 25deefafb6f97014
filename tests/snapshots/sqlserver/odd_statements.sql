/*mare:drain.bound*/
SELECT 0 AS tabela, (SELECT TOP (1) CONVERT(bigint, c.[mare_versao]) FROM [mare].[alt_Produto's grade] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK) ORDER BY c.[mare_versao] DESC) AS limite
ORDER BY tabela;
GO
/*mare:drain.page*/
SELECT CONVERT(bigint, c.[mare_versao]) AS versao, c.[mare_op], c.[mare_origem], CAST(c.[mare_capturado_em] AS datetimeoffset(3)) AS mare_capturado_em, c.[código]]], c.[ordem], c.[nulo bit], c.[nulo tinyint], c.[nulo int], c.[nulo bigint], c.[nulo decimal(38,10)], CAST(c.[nulo money] AS decimal(19, 4)) AS [nulo money], CAST(c.[nulo smallmoney] AS decimal(19, 4)) AS [nulo smallmoney], c.[nulo real], c.[nulo float(53)], c.[nulo date], c.[nulo time(3)], c.[nulo datetime], c.[nulo smalldatetime], c.[nulo datetime2(7)], c.[nulo datetimeoffset(3)], c.[nulo char(8)], c.[nulo varchar(max)], c.[nulo nchar(2)], c.[nulo nvarchar(max)], c.[nulo binary(4)], c.[nulo varbinary(max)], c.[nulo uniqueidentifier], CONVERT(bigint, c.[nulo rowversion]) AS [nulo rowversion], c.[calculada]
FROM [mare].[alt_Produto's grade] AS c WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK)
WHERE c.[mare_versao] > CAST(@P2 AS rowversion) AND c.[mare_versao] <= (
    SELECT TOP (1) p.[mare_versao] FROM (
        SELECT TOP (@P1) q.[mare_versao] FROM [mare].[alt_Produto's grade] AS q WITH (READCOMMITTEDLOCK, READPAST, ROWLOCK)
        WHERE q.[mare_versao] > CAST(@P2 AS rowversion) AND q.[mare_versao] <= CAST(@P3 AS rowversion)
        ORDER BY q.[mare_versao]) AS p
    ORDER BY p.[mare_versao] DESC)
ORDER BY c.[mare_versao], c.[mare_capturado_em];
GO
/*mare:chunk.page*/
SELECT TOP (@P1) t.[código]]], t.[ordem], t.[nulo bit], t.[nulo tinyint], t.[nulo int], t.[nulo bigint], t.[nulo decimal(38,10)], CAST(t.[nulo money] AS decimal(19, 4)) AS [nulo money], CAST(t.[nulo smallmoney] AS decimal(19, 4)) AS [nulo smallmoney], t.[nulo real], t.[nulo float(53)], t.[nulo date], t.[nulo time(3)], t.[nulo datetime], t.[nulo smalldatetime], t.[nulo datetime2(7)], t.[nulo datetimeoffset(3)], t.[nulo char(8)], t.[nulo varchar(max)], t.[nulo nchar(2)], t.[nulo nvarchar(max)], t.[nulo binary(4)], t.[nulo varbinary(max)], t.[nulo uniqueidentifier], CONVERT(bigint, t.[nulo rowversion]) AS [nulo rowversion], t.[calculada]
FROM [dbo].[Produto's grade] AS t
WHERE t.[código]]] > CAST(@P2 AS nvarchar(4000))
ORDER BY t.[código]]];
GO
/*mare:chunk.page*/
SELECT TOP (@P1) t.[código]]], t.[ordem], t.[nulo bit], t.[nulo tinyint], t.[nulo int], t.[nulo bigint], t.[nulo decimal(38,10)], CAST(t.[nulo money] AS decimal(19, 4)) AS [nulo money], CAST(t.[nulo smallmoney] AS decimal(19, 4)) AS [nulo smallmoney], t.[nulo real], t.[nulo float(53)], t.[nulo date], t.[nulo time(3)], t.[nulo datetime], t.[nulo smalldatetime], t.[nulo datetime2(7)], t.[nulo datetimeoffset(3)], t.[nulo char(8)], t.[nulo varchar(max)], t.[nulo nchar(2)], t.[nulo nvarchar(max)], t.[nulo binary(4)], t.[nulo varbinary(max)], t.[nulo uniqueidentifier], CONVERT(bigint, t.[nulo rowversion]) AS [nulo rowversion], t.[calculada]
FROM [dbo].[Produto's grade] AS t
WHERE t.[nulo bit] IS NOT NULL
ORDER BY t.[nulo bit];
GO
/*mare:chunk.by_keys_within*/
SELECT t.[código]]], t.[ordem], t.[nulo bit], t.[nulo tinyint], t.[nulo int], t.[nulo bigint], t.[nulo decimal(38,10)], CAST(t.[nulo money] AS decimal(19, 4)) AS [nulo money], CAST(t.[nulo smallmoney] AS decimal(19, 4)) AS [nulo smallmoney], t.[nulo real], t.[nulo float(53)], t.[nulo date], t.[nulo time(3)], t.[nulo datetime], t.[nulo smalldatetime], t.[nulo datetime2(7)], t.[nulo datetimeoffset(3)], t.[nulo char(8)], t.[nulo varchar(max)], t.[nulo nchar(2)], t.[nulo nvarchar(max)], t.[nulo binary(4)], t.[nulo varbinary(max)], t.[nulo uniqueidentifier], CONVERT(bigint, t.[nulo rowversion]) AS [nulo rowversion], t.[calculada]
FROM [dbo].[Produto's grade] AS t
WHERE t.[código]]] = CAST(@P1 AS nvarchar(4000)) AND t.[nulo char(8)] = CAST(@P2 AS varchar(8000)) AND t.[nulo nchar(2)] IN (CAST(@P3 AS nvarchar(4000)));
GO
/*mare:tracking.changes*/
SELECT c.SYS_CHANGE_VERSION AS versao, CASE WHEN t.[código]]] IS NULL THEN 'D' ELSE 'U' END AS op, c.[código]]], c.[ordem], t.[código]]], t.[ordem], t.[nulo bit], t.[nulo tinyint], t.[nulo int], t.[nulo bigint], t.[nulo decimal(38,10)], CAST(t.[nulo money] AS decimal(19, 4)) AS [nulo money], CAST(t.[nulo smallmoney] AS decimal(19, 4)) AS [nulo smallmoney], t.[nulo real], t.[nulo float(53)], t.[nulo date], t.[nulo time(3)], t.[nulo datetime], t.[nulo smalldatetime], t.[nulo datetime2(7)], t.[nulo datetimeoffset(3)], t.[nulo char(8)], t.[nulo varchar(max)], t.[nulo nchar(2)], t.[nulo nvarchar(max)], t.[nulo binary(4)], t.[nulo varbinary(max)], t.[nulo uniqueidentifier], CONVERT(bigint, t.[nulo rowversion]) AS [nulo rowversion], t.[calculada]
FROM CHANGETABLE(CHANGES [dbo].[Produto's grade], @P1) AS c
LEFT JOIN [dbo].[Produto's grade] AS t ON t.[código]]] = c.[código]]] AND t.[ordem] = c.[ordem]
WHERE c.SYS_CHANGE_VERSION <= @P2
  AND (c.SYS_CHANGE_CONTEXT IS NULL OR SUBSTRING(c.SYS_CHANGE_CONTEXT, 1, 16) <> 0x6D6172653A6F776E2D77726974657321
       OR c.SYS_CHANGE_VERSION <> COALESCE(c.SYS_CHANGE_CREATION_VERSION, 0));
GO
/*mare:version.page*/
SELECT TOP (@P1) CONVERT(bigint, t.[nulo rowversion]) AS versao, t.[código]]], t.[ordem], t.[nulo bit], t.[nulo tinyint], t.[nulo int], t.[nulo bigint], t.[nulo decimal(38,10)], CAST(t.[nulo money] AS decimal(19, 4)) AS [nulo money], CAST(t.[nulo smallmoney] AS decimal(19, 4)) AS [nulo smallmoney], t.[nulo real], t.[nulo float(53)], t.[nulo date], t.[nulo time(3)], t.[nulo datetime], t.[nulo smalldatetime], t.[nulo datetime2(7)], t.[nulo datetimeoffset(3)], t.[nulo char(8)], t.[nulo varchar(max)], t.[nulo nchar(2)], t.[nulo nvarchar(max)], t.[nulo binary(4)], t.[nulo varbinary(max)], t.[nulo uniqueidentifier], t.[calculada]
FROM [dbo].[Produto's grade] AS t
WHERE t.[nulo rowversion] > CAST(@P2 AS rowversion) AND t.[nulo rowversion] < CAST(@P3 AS rowversion)
ORDER BY t.[nulo rowversion];
GO
