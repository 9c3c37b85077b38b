package zoho

// Scopes as the documents and the vendor's pages name them, without the service.
func needs(lines ...[]string) [][]string { return lines }

func oneOf(scopes ...string) []string { return scopes }

// routes are the operations that are simulated. Anything else is 404.
func routes() []route {
	read := needs(oneOf("modules.{module}.READ"))
	create := needs(oneOf("modules.{module}.CREATE", "modules.{module}.WRITE"))
	update := needs(oneOf("modules.{module}.UPDATE", "modules.{module}.WRITE"))
	remove := needs(oneOf("modules.{module}.DELETE"))
	settings := func(what, op string) [][]string { return needs(oneOf("settings." + what + "." + op)) }
	v8 := "/crm/v8/"
	return []route{
		{method: "GET", path: v8 + "org", need: needs(oneOf("org.READ")), do: getOrg},
		{method: "GET", path: v8 + "users", need: needs(oneOf("users.READ")), do: getUsers},
		{method: "GET", path: v8 + "users/{id}", need: needs(oneOf("users.READ")), do: getUsers},
		{method: "GET", path: v8 + "settings/modules", need: settings("modules", "READ"), do: getModules},
		{method: "GET", path: v8 + "settings/modules/{id}", need: settings("modules", "READ"), do: getModules},
		{method: "GET", path: v8 + "settings/fields", need: settings("fields", "READ"), do: getFields},
		{method: "GET", path: v8 + "settings/fields/{id}", need: settings("fields", "READ"), do: getFields},
		{method: "POST", path: v8 + "settings/fields", need: settings("fields", "CREATE"), do: createFields},
		{method: "PATCH", path: v8 + "settings/fields/{id}", need: settings("fields", "UPDATE"), do: changeField},
		{method: "DELETE", path: v8 + "settings/fields/{id}", need: settings("fields", "DELETE"), do: deleteField},
		{method: "GET", path: v8 + "settings/layouts", need: settings("layouts", "READ"), do: getLayouts},
		{method: "GET", path: v8 + "settings/layouts/{id}", need: settings("layouts", "READ"), do: getLayouts},
		{method: "GET", path: v8 + "settings/related_lists", need: settings("related_lists", "READ"), do: getRelatedLists},
		{method: "GET", path: v8 + "settings/pipeline", need: settings("pipeline", "READ"), do: getPipelines},
		{method: "GET", path: v8 + "settings/pipeline/{id}", need: settings("pipeline", "READ"), do: getPipelines},
		{method: "POST", path: v8 + "settings/pipeline", need: settings("pipeline", "CREATE"), do: createPipelines},
		{method: "PUT", path: v8 + "settings/pipeline/{id}", need: settings("pipeline", "UPDATE"), do: changePipeline},
		{method: "POST", path: v8 + "coql", need: needs(oneOf("coql.READ"), oneOf("modules.READ")), cost: queryPrice, heavy: always, do: runCOQL},
		{method: "POST", path: "/crm/bulk/v8/read", need: needs(oneOf("bulk.READ")), do: createJob},
		{method: "GET", path: "/crm/bulk/v8/read/{id}", need: needs(oneOf("bulk.READ")), do: getJob},
		{method: "GET", path: "/crm/bulk/v8/read/{id}/result", need: needs(oneOf("bulk.READ")), do: getJobResult},
		{method: "GET", path: v8 + "actions/watch", need: needs(oneOf("notifications.READ")), do: getWatch},
		{method: "POST", path: v8 + "actions/watch", need: needs(oneOf("notifications.CREATE", "notifications.WRITE")), do: enableWatch},
		{method: "PUT", path: v8 + "actions/watch", need: needs(oneOf("notifications.UPDATE", "notifications.WRITE")), do: updateWatch},
		{method: "PATCH", path: v8 + "actions/watch", need: needs(oneOf("notifications.UPDATE", "notifications.WRITE")), do: patchWatch},
		{method: "DELETE", path: v8 + "actions/watch", need: needs(oneOf("notifications.DELETE")), do: disableWatch},
		{method: "POST", path: v8 + "Leads/{id}/actions/convert", need: needs(oneOf("modules.leads.CREATE", "modules.leads.WRITE")), cost: func(*call) int64 { return 5 }, heavy: always, do: convertLead},
		{method: "GET", path: v8 + "{module}", need: read, do: getRecords},
		{method: "POST", path: v8 + "{module}", need: create, cost: writePrice, heavy: manyRecords, do: createRecords},
		{method: "PUT", path: v8 + "{module}", need: update, cost: writePrice, heavy: manyRecords, do: updateRecords},
		{method: "DELETE", path: v8 + "{module}", need: remove, cost: deletePrice, do: deleteRecords},
		{method: "GET", path: v8 + "{module}/{id}", need: read, do: getRecord},
		{method: "PUT", path: v8 + "{module}/{id}", need: update, do: updateRecords},
		{method: "DELETE", path: v8 + "{module}/{id}", need: remove, do: deleteRecords},
		{method: "GET", path: v8 + "{module}/{id}/{list}", need: read, do: getRelated},
		{method: "POST", path: v8 + "{module}/{id}/Notes", need: needs(oneOf("modules.notes.CREATE", "modules.notes.WRITE")), do: createNotes},
		{method: "GET", path: v8 + "{module}/{id}/actions/blueprint", need: read, do: getBlueprint},
		{method: "PUT", path: v8 + "{module}/{id}/actions/blueprint", need: update, do: takeTransition},
		{method: "POST", path: v8 + "{module}/{id}/actions/merge", need: update, do: mergeRecords},
		{method: "GET", path: v8 + "{module}/{id}/actions/merge", need: read, do: getMerge},
	}
}

func always(*call) bool { return true }

// queryPrice is by the limit of the query; one that cannot be read costs one.
func queryPrice(c *call) int64 {
	var body struct {
		Query string `json:"select_query"`
	}
	if c.parse(&body) != nil {
		return 1
	}
	q, err := parseCOQL(body.Query)
	if err != nil {
		return 1
	}
	return q.price()
}

// recordsOf counts the records of a write.
func recordsOf(c *call) int {
	var body struct {
		Data []object `json:"data"`
	}
	if c.parse(&body) != nil {
		return 0
	}
	return len(body.Data)
}

// writePrice is one credit for every ten records (fact sheet 2.7).
func writePrice(c *call) int64 { return max(1, int64(recordsOf(c)+9)/10) }

func deletePrice(c *call) int64 { return max(1, int64(len(names(c.query.Get("ids")))+9)/10) }

func manyRecords(c *call) bool { return recordsOf(c) > 10 }
