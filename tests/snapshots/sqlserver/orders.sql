/*mare:orders.address.find*/ SELECT [numero] FROM [live].[cliente_endereco] WHERE [id_cliente] = @P1 AND [cep] = @P2 AND lower([logradouro]) = @P3;
GO
/*mare:orders.address.insert*/ INSERT INTO [live].[cliente_endereco] ([id], [id_cliente], [tipo], [destinatario], [logradouro], [numero], [complemento], [bairro], [cidade], [uf], [cep], [pais], [referencia], [situacao], [data_atualizacao]) VALUES (@P1, @P2, @P3, @P4, @P5, @P6, NULL, @P7, @P8, @P9, @P10, @P11, NULL, @P12, CAST(@P13 AS datetime2(3)));
GO
/*mare:orders.cancel*/ UPDATE [live].[pedido_venda] SET [status] = @P1, [motivo_cancelamento] = @P2, [data_status] = CAST(@P3 AS datetime2(3)), [data_atualizacao] = CAST(@P4 AS datetime2(3)) WHERE [id] = @P5 AND [status] = @P6;
GO
/*mare:orders.codes*/ SELECT [codigo], [id] FROM [live].[transportadora] WHERE [codigo] IN (@P1);
GO
/*mare:orders.consent.acts*/ SELECT [situacao], [data_aceite], [data_revogacao] FROM [live].[cliente_consentimento] WHERE [id_cliente] = @P1 AND [id_finalidade] = @P2;
GO
/*mare:orders.consent.insert*/ INSERT INTO [live].[cliente_consentimento] ([id], [id_cliente], [id_carta], [id_finalidade], [situacao], [canal], [data_aceite], [id_loja], [data_atualizacao]) VALUES (@P1, @P2, @P3, @P4, @P5, @P6, CAST(@P7 AS datetime2(3)), @P8, CAST(@P9 AS datetime2(3)));
GO
/*mare:orders.consent.letter*/ SELECT [id] FROM [live].[carta_consentimento] WHERE [ind_ativa] = @P1 AND [id_dominio] = @P2;
GO
/*mare:orders.consent.purpose*/ SELECT [id] FROM [live].[finalidade_consentimento] WHERE [codigo] = @P1;
GO
/*mare:orders.customer.document*/ SELECT [id], [cpf_cnpj] FROM [live].[cliente] WHERE [cpf_cnpj] = @P1 AND [id_dominio] = @P2 AND [data_anonimizacao] IS NULL ORDER BY [id];
GO
/*mare:orders.customer.email*/ SELECT [id], [cpf_cnpj] FROM [live].[cliente] WHERE lower([email]) = @P1 AND [id_dominio] = @P2 AND [data_anonimizacao] IS NULL ORDER BY [id];
GO
/*mare:orders.customer.insert*/ INSERT INTO [live].[cliente] ([id], [id_dominio], [codigo], [tipo_pessoa], [cpf_cnpj], [rg_inscricao], [nome], [nome_fantasia], [email], [celular], [telefone], [situacao], [origem_cadastro], [id_loja_cadastro], [data_cadastro], [data_atualizacao]) VALUES (@P1, @P2, @P3, @P4, @P5, NULL, @P6, NULL, @P7, @P8, NULL, @P9, @P10, @P11, CAST(@P12 AS datetime2(3)), CAST(@P13 AS datetime2(3)));
GO
/*mare:orders.deposits*/ SELECT [id], [codigo], [ind_padrao] FROM [live].[deposito] WHERE [id_loja] = @P1;
GO
/*mare:orders.find*/ SELECT [id], [numero], [numero_externo], [status], [ind_solicitacao_cancelamento] FROM [live].[pedido_venda] WHERE [origem] = @P1 AND [numero_externo] IN (@P2, @P3, @P4, @P5, @P6, @P7, @P8, @P9, @P10, @P11, @P12, @P13, @P14, @P15, @P16, @P17, @P18, @P19, @P20, @P21);
GO
/*mare:orders.flag*/ UPDATE [live].[pedido_venda] SET [ind_solicitacao_cancelamento] = @P1, [data_atualizacao] = CAST(@P2 AS datetime2(3)) WHERE [id] = @P3;
GO
/*mare:orders.insert*/ INSERT INTO [live].[pedido_venda] ([id], [id_dominio], [origem], [numero_externo], [grupo_externo], [sequencia_externa], [tipo_pedido], [status], [id_loja], [id_loja_retirada], [id_cliente], [cpf_consumidor], [canal_venda], [modalidade], [id_tabela_preco], [valor_produtos], [valor_desconto], [valor_frete], [valor_acrescimo], [valor_total], [id_transportadora], [servico_entrega], [data_prevista], [janela_inicio], [janela_fim], [destinatario], [logradouro], [endereco_numero], [complemento], [bairro], [cidade], [uf], [cep], [referencia], [ind_pagamento_manual], [observacao], [data_pedido], [data_status], [data_cadastro], [data_atualizacao]) VALUES (@P1, @P2, @P3, @P4, @P5, @P6, @P7, @P8, @P9, NULL, @P10, @P11, NULL, NULL, NULL, CAST(@P12 AS decimal(19,4)), CAST(@P13 AS decimal(19,4)), CAST(@P14 AS decimal(19,4)), CAST(@P15 AS decimal(19,4)), CAST(@P16 AS decimal(19,4)), @P17, @P18, CAST(@P19 AS date), NULL, NULL, @P20, @P21, @P22, NULL, @P23, @P24, @P25, @P26, NULL, @P27, NULL, CAST(@P28 AS datetime2(3)), CAST(@P29 AS datetime2(3)), CAST(@P30 AS datetime2(3)), CAST(@P31 AS datetime2(3)));
GO
/*mare:orders.item.insert*/ INSERT INTO [live].[pedido_venda_item] ([id], [id_pedido], [sequencia], [id_sku], [id_externo], [quantidade], [preco_unitario], [valor_desconto], [valor_frete], [valor_total], [id_deposito], [ind_brinde]) VALUES (@P1, @P2, @P3, @P4, @P5, CAST(@P6 AS decimal(19,4)), CAST(@P7 AS decimal(19,4)), CAST(@P8 AS decimal(19,4)), CAST(@P9 AS decimal(19,4)), CAST(@P10 AS decimal(19,4)), @P11, @P12);
GO
/*mare:orders.items*/ SELECT [id_sku], [quantidade], [id_deposito] FROM [live].[pedido_venda_item] WHERE [id_pedido] = @P1;
GO
/*mare:orders.payment.insert*/ INSERT INTO [live].[pedido_venda_pagamento] ([id], [id_pedido], [sequencia], [forma], [bandeira], [valor], [parcelas], [tid], [nsu], [autorizacao], [adquirente]) VALUES (@P1, @P2, @P3, @P4, @P5, CAST(@P6 AS decimal(19,4)), @P7, @P8, @P9, @P10, @P11);
GO
/*mare:orders.release*/ UPDATE [live].[estoque_saldo] SET [quantidade_reservada] = CASE WHEN [quantidade_reservada] > CAST(@P1 AS decimal(19,4)) THEN [quantidade_reservada] - CAST(@P2 AS decimal(19,4)) ELSE 0 END, [data_atualizacao] = CAST(@P3 AS datetime2(3)) WHERE [id_loja] = @P4 AND [id_deposito] = @P5 AND [id_sku] = @P6;
GO
/*mare:orders.reserve*/ UPDATE [live].[estoque_saldo] SET [quantidade_reservada] = [quantidade_reservada] + CAST(@P1 AS decimal(19,4)), [data_atualizacao] = CAST(@P2 AS datetime2(3)) WHERE [id_loja] = @P3 AND [id_deposito] = @P4 AND [id_sku] = @P5;
GO
/*mare:orders.reserve.insert*/ INSERT INTO [live].[estoque_saldo] ([id_loja], [id_deposito], [id_sku], [quantidade], [quantidade_reservada], [data_atualizacao]) VALUES (@P1, @P2, @P3, CAST(@P4 AS decimal(19,4)), CAST(@P5 AS decimal(19,4)), CAST(@P6 AS datetime2(3)));
GO
/*mare:orders.status.insert*/ INSERT INTO [live].[pedido_venda_status] ([id_pedido], [status_anterior], [status], [usuario], [motivo], [data_status]) VALUES (@P1, NULL, @P2, @P3, NULL, CAST(@P4 AS datetime2(3)));
GO
/*mare:orders.store*/ SELECT [id_loja] FROM [live].[pedido_venda] WHERE [id] = @P1;
GO
/*mare:orders.stores*/ SELECT [id], [codigo], [id_dominio] FROM [live].[loja] WHERE [codigo] IN (@P1);
GO
