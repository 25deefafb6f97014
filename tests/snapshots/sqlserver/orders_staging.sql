/*mare:orders.stage*/ INSERT INTO [mare].[pedido_entrada] ([numero_externo], [pedido_externo], [situacao], [conteudo], [data_entrada], [data_atualizacao]) VALUES (@P1, @P2, @P3, @P4, CAST(@P5 AS datetime2(3)), CAST(@P6 AS datetime2(3)));
GO
/*mare:orders.stage.state*/ UPDATE [mare].[pedido_entrada] SET [situacao] = @P1, [data_atualizacao] = CAST(@P2 AS datetime2(3)) WHERE [numero_externo] = @P3 AND [situacao] = @P4;
GO
/*mare:orders.staged*/ SELECT [numero_externo], [situacao], [numero] FROM [mare].[pedido_entrada] WHERE [numero_externo] IN (@P1, @P2, @P3, @P4, @P5, @P6, @P7, @P8, @P9, @P10, @P11, @P12, @P13, @P14, @P15, @P16, @P17, @P18, @P19, @P20);
GO
