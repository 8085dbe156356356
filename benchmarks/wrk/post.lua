wrk.method = "POST"
wrk.body = '{"name":"a \\"quoted\\" name","size":42,"tags":["x","y"]}'
wrk.headers["Content-Type"] = "application/json"
