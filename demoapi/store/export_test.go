package store

// Statement is a statement of the store with arguments to plan it with.
type Statement struct{ SQL, Args string }

// Statements are the store's reading statements.
func Statements() map[string]Statement {
	return map[string]Statement{
		"product":      {productSQL, "(1)"},
		"products":     {productsSQL, "(100, 20)"},
		"products_of":  {productsOfSQL, "(3, 100, 20)"},
		"search":       {searchSQL, "($q$'ash':* & 'des':*$q$, 20)"},
		"categories":   {categoriesSQL, ""},
		"user_by_id":   {userSQL, "(1)"},
		"user_by_name": {userByNameSQL, "('admin1')"},
		"lock_stock":   {lockStockSQL, "('{1,2}')"},
		"order_by_id":  {orderSQL, "(1)"},
		"lower_stock":  {lowerStockSQL, "('{1,2}', '{1,1}')"},
	}
}
