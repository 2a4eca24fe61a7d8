import { currentUser } from "@/lib/authflow";

export async function GET() {
  const user = await currentUser();
  if (user.role !== "admin") return Response.json({ error: "this needs the role admin" }, { status: 403 });
  return Response.json({ secret: `only admins read this, ${user.email} among them` });
}
