module gatehouse.example/services/signin-audit

go 1.26.0
