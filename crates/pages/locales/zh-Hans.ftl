# 框架
footer = 由 Rally 驱动
language = 语言
optional = { $label }（选填）
title-error = 错误：{ $title }

# 表单
email = 邮箱地址
name = 姓名
join = 加入候补名单
choose = 选择一项
yes = 是
no = 否
leave-empty = 此栏请留空
friend-invited = 你的好友邀请了你
lost-link-ask = 已在候补名单上？重新获取你的链接
privacy = 隐私政策
terms = 条款
rewards = 奖励
leaders = 邀请好友最多的人
leader-person = 成员
leader-friends = 好友
friends-count =
    { $count ->
       *[other] { $count } 位好友
    }
captcha-elsewhere = 此候补名单使用的防机器人验证无法在本页显示。请到该名单的网站加入。
captcha-open = 前往该名单的网站
work-running = 正在进行简短的防机器人验证
work-script = 此候补名单的防机器人验证需要 JavaScript。请开启后重新加载页面。
work-secure = 此候补名单的防机器人验证需要安全连接。请用以 https:// 开头的网址打开页面
sending = 正在提交表单
form-unavailable = 表单暂时无法显示
try-again = 重试
tab-new = （在新标签页中打开）

# 表单中需要修改的内容
errors-title = 请检查以下内容
error-email-missing = 请填写你的邮箱地址
error-email = 请填写邮箱地址，例如 name@example.com
error-email-taken = 此地址已在候补名单上。请填写其他地址，或重新获取你的链接
error-email-disposable = 请填写你会长期使用的地址。此地址来自一次性邮箱服务
error-email-no-mail = 请填写其他地址。此地址的域名不接收邮件
error-email-other = 请填写其他地址。此地址无法在这里使用
error-name-missing = 请填写你的姓名
error-missing = 请填写“{ $label }”
error-choose = 请为“{ $label }”选择一项
error-number = 请在“{ $label }”中填写数字
error-url = 请在“{ $label }”中填写网址，例如 https://example.com
error-field-email = 请在“{ $label }”中填写邮箱地址，例如 name@example.com
error-tel = 请在“{ $label }”中填写电话号码，例如 +86 10 1234 5678
error-date = 请在“{ $label }”中填写日期
error-long =
    { $max ->
       *[other] 请将“{ $label }”缩短到 { $max } 个字符以内
    }
error-characters = “{ $label }”只能包含文字、数字和常用符号
error-consent = 请勾选后再加入
error-check = 防机器人验证未通过。请重新提交表单
error-too-fast = 请检查填写的内容，然后重新提交表单
error-form = 请检查填写的内容，然后重新提交表单。其中有内容无法保存
error-unavailable = 表单未能提交。请稍后再试
error-too-often =
    { $minutes ->
       *[other] 提交过于频繁。请等待 { $minutes } 分钟，然后重新提交表单
    }
error-network = 没有网络连接。请检查后重新提交表单

# 没有表单的候补名单
paused-title = 此候补名单已暂停
paused-body = 目前无法加入。请稍后再来。
closed-title = 此候补名单已关闭
closed-body = 不再接受新的报名。已在名单上的人保留位次。
full-title = 此候补名单已满
full-body = 名额已全部占用。之后可能会有空位，请稍后再来。

# 提交表单之后
mailbox-title = 请查看你的邮箱
mailbox-body = 一封带有链接的邮件正在发送给你。打开链接即可确认你的位次。
mailbox-hours =
    { $hours ->
       *[other] 链接在 { $hours } 小时内有效。
    }
mailbox-days =
    { $days ->
       *[other] 链接在 { $days } 天内有效。
    }
mailbox-spam = 如果几分钟后仍未收到，请查看垃圾邮件文件夹。你也可以重新提交表单。
form-open = 前往表单
form-back = 返回表单

# 个人页面
joined-title = 你已在候补名单上
place = 你的位次
ahead =
    { $ahead ->
        [0] 你前面没有人
       *[other] 你前面有 { $ahead } 人
    }
total =
    { $total ->
       *[other] 候补名单上共有 { $total } 人
    }
review-waiting = 你的报名正在等待审核
review-approved = 你的报名已通过审核
rejected-title = 这次未能入选
rejected-body = 感谢你的关注。这次没有你的名额。
move-up = 提升位次
move-up-body =
    { $boost ->
       *[other] 每有一位好友通过你的链接加入，你最多可前进 { $boost } 位。
    }
invite = 邀请好友
invite-body = 你的好友可以通过你的链接加入。
share-link = 给好友的链接
copy = 复制链接
copied = 已复制
share = 分享
share-mail = 通过邮件分享
share-text = 我加入了“{ $list }”的候补名单。你可以通过我的链接加入：
share-closed = 好友无法再加入。你的位次会保留。
share-later = 好友目前无法加入。你的位次和给好友的链接会保留。
reward-next =
    { $remaining ->
       *[other] 再邀请 { $remaining } 位好友即可获得：{ $reward }
    }
reward-reached = 已获得
friends = 你的好友
friends-none = 还没有人通过你的链接加入。
friend-left = 一位已离开的好友
friend-joined = 已加入
friend-waiting = 等待中
friends-more =
    { $count ->
       *[other] 还有 { $count } 位
    }
answers = 你填写的内容
answers-save = 保存内容
saved = 已保存
language-save = 保存语言
mail = 邮件
mail-on = 你会收到此发件人的邮件。
mail-off = 你不会收到此发件人的邮件。
mail-stop = 退订邮件
mail-start = 接收邮件
data = 你的数据
data-body = 与你有关的所有已保存数据，汇总在一个文件中。
data-download = 下载你的数据
joined-on = 加入日期
confirmed-on = 地址确认日期
own-link = 此页面属于你。知道其地址的人可以更改或删除你的报名。
leave = 退出候补名单

# 退出
leave-title = 退出“{ $list }”？
leave-body = 你的位次、填写的内容和链接将被删除。此操作无法撤销。
leave-friends = 通过你的链接加入的好友保留各自的位次。
leave-button = 退出并删除我的数据
leave-keep = 保留我的位次
left-title = 你已退出候补名单
left-body = 你的数据已删除。你可以随时重新加入。

# 确认
confirm-title = 确认你的报名
confirm-body = 确认后即可获得候补名单上的位次。
confirm-list = 候补名单
confirm-until = 确认截止日期
confirm-button = 确认
confirm-refuse = 不是我本人
confirmed-title = 你的报名已确认
confirmed-body = 这里没有需要做的事了。
page-open = 打开我的页面
expired-title = 此链接已过期
expired-body = 重新提交表单即可获取新链接。
refused-title = 报名已删除
refused-body = 你不会再收到此发件人的邮件。
refuse-title = 不是你本人？
refuse-body = 那么报名将被删除，你也不会再收到此发件人的邮件。
refuse-button = 删除报名
refuse-back = 是我本人

# 邮件
unsubscribe-title = 退订此发件人的邮件？
unsubscribe-body = { $email } 不会再收到此发件人关于任何候补名单的邮件。你的位次保留。
unsubscribe-button = 退订邮件
unsubscribed-title = 你不会再收到邮件
unsubscribed-body = 你在候补名单上的位次保留。

# 丢失的链接
lost-title = 重新获取你的链接
lost-body = 请填写报名时使用的地址。你的页面链接会发送到那里。
lost-button = 发送链接
lost-sent-body = 如果此地址在候补名单上，带有链接的邮件正在发送。

# 出现问题时
not-found-title = 此地址没有内容
not-found-body = 地址不完整，或已失效。请打开你收到的最新邮件。
forbidden-title = 此表单属于另一个网站
forbidden-body = 请打开候补名单的页面，从那里提交表单。
method-title = 此页面无法执行该操作
method-body = 请重新打开此地址。
gone-title = 此链接已过期
gone-body = 请打开你收到的最新邮件，或重新提交表单。
unprocessable-title = 操作未成功
unprocessable-body = 请返回，检查填写的内容，然后重试。
too-often-title = 操作过于频繁
too-often-body =
    { $minutes ->
       *[other] 请等待 { $minutes } 分钟，然后重试。
    }
broken-title = 此页面暂时无法显示
broken-body = 没有数据丢失。请稍后再试。
request-id = 咨询时请提供此编号

# 服务器首页
index-title = Rally 正在运行
index-body = 此服务器用于管理候补名单。
index-console = 打开控制台
index-docs = 阅读 API 文档

# 日期
first-day = 1
date =
    { $month ->
        [1] { $year }年1月{ $day }日
        [2] { $year }年2月{ $day }日
        [3] { $year }年3月{ $day }日
        [4] { $year }年4月{ $day }日
        [5] { $year }年5月{ $day }日
        [6] { $year }年6月{ $day }日
        [7] { $year }年7月{ $day }日
        [8] { $year }年8月{ $day }日
        [9] { $year }年9月{ $day }日
        [10] { $year }年10月{ $day }日
        [11] { $year }年11月{ $day }日
       *[12] { $year }年12月{ $day }日
    }
